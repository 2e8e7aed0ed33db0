"""The drift budget: what counts, when the count starts again, and when retraining comes first."""

from dataclasses import replace

import pytest

from core.report.check_texts import english, next_steps
from core.report.drift_text import drift_text
from core.types import ClosedRequest, Drift, Verdict, Verification
from core.utils.serialization import from_json, to_json
from core.verification.drift_budget import advise_retraining, drift_of

OLD = ClosedRequest("req-1", "", "", "run-1", 1, 1, 5, "first")
FIRST, SECOND, THIRD = (
    replace(OLD, adapter=name, test_auc_fall=fall) for name, fall in (("a", 0.004), ("b", 0.011), ("c", -0.002))
)
STEPS = ("batch", "retrain", "approve_with_reason")
FOUND = Verification("run-9", "", Verdict.INCONCLUSIVE, (), {}, details={"test_auc_margin": 0.02}, next_steps=STEPS)


def test_falls_are_summed_and_a_batch_counts_once():
    batch = (SECOND, replace(SECOND, id="member-1"), replace(SECOND, id="member-2"))
    assert drift_of((THIRD, *batch, FIRST)) == Drift(3, pytest.approx(0.013), 0, False)
    assert drift_of(()) == Drift(0, 0.0, 0, False)


def test_unknown_fall_counts_as_a_deletion_and_is_told():
    found = drift_of((SECOND, OLD))
    assert found == Drift(2, pytest.approx(0.011), 1, False)
    assert drift_text(found, 0.02).endswith("The change by one deletion is not known and not counted.")


def test_retraining_starts_the_count_again():
    retrained = replace(SECOND, retrained=True)
    assert drift_of((THIRD, retrained, FIRST)) == Drift(1, pytest.approx(-0.002), 0, True)
    assert drift_of((retrained, FIRST)) == Drift(0, 0.0, 0, True) and drift_text(drift_of((retrained,)), 0.02) == ""


def test_record_of_an_earlier_version_has_no_known_fall():
    stored = to_json(FIRST)
    del stored["test_auc_fall"], stored["retrained"]
    assert from_json(ClosedRequest, stored) == replace(FIRST, test_auc_fall=None)


@pytest.mark.parametrize(
    ("drift", "sentence"),
    [
        (
            Drift(3, 0.012, 0, False),
            "Since the first adapter, 3 deletions lowered the test AUC by 0.012; at 0.020 retraining is advised.",
        ),
        (
            Drift(1, -0.004, 0, True),
            "Since the last retraining, one deletion raised the test AUC by 0.004; at 0.020 retraining is advised.",
        ),
        (
            Drift(5, 0.041, 0, False),
            "Since the first adapter, 5 deletions lowered the test AUC by 0.041; that is more than 0.020, so the method "
            "“retrain” is advised.",
        ),
    ],
)
def test_sentence(drift, sentence):
    assert drift_text(drift, 0.02) == sentence


def test_run_that_passes_the_budget_says_retrain_first():
    found = advise_retraining(FOUND, Drift(3, 0.012, 0, False), 0.009, 0.02)
    assert found.next_steps == ("retrain_drift", "batch", "approve_with_reason")
    assert "lower the test AUC by 0.021, more than 0.02." in next_steps(found, english())[0]


@pytest.mark.parametrize(
    ("found", "drift", "fall"),
    [
        (FOUND, Drift(3, 0.012, 0, False), 0.007),
        (FOUND, Drift(3, 0.012, 0, False), None),
        (FOUND, Drift(0, 0.0, 0, False), 0.5),
        (replace(FOUND, verdict=Verdict.EXACT), Drift(3, 0.5, 0, False), 0.5),
    ],
    ids=["within", "unknown", "first", "retrained"],
)
def test_verification_is_unchanged(found, drift, fall):
    assert advise_retraining(found, drift, fall, 0.02) is found
