"""No sentence of a verdict contradicts its numbers: random outcomes on both sides of every bound."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evaluation.advantage import Knowledge, advantage, contrast
from core.report.check_texts import english, render
from core.report.summary import summarise
from core.types import Check, Interval, Part, Request, RunSpec, Verdict, Verification
from core.verification.endpoints import Endpoint, pass_level
from core.verification.equivalence import exact_value
from core.verification.thresholds import Thresholds
from core.verification.verdict import decide, details_of, next_steps
from tests.report.test_build import EVALUATION

PHI = st.floats(-0.5, 2.5)
FILES = ("adapter_identity", "thresholds_frozen", "references_distinct")


def endpoint(measure: str, phi: float, before: float, error: float, theta: float, count: int, attempt: int) -> Endpoint:
    """An endpoint with an exact share forgotten; `error` is the noise of seeds and rows as a share of `before`."""
    noise = np.linspace(-1, 1, count) if count > 1 else np.zeros(count)
    values = np.concatenate([[(1 - phi) * before, before], noise * error * before])
    covariance = np.eye(count + 2) * (error * before / 4) ** 2
    return Endpoint(measure, Knowledge(values, covariance, 500), 1 - theta, pass_level(attempt))


def verification(ends: list[Endpoint], fall: float, harm: bool, retrained: bool, attempt: int) -> Verification:
    margins = Thresholds(1 - ends[0].keep)
    ok = [Check("V0", Verdict.PASS, exact_value(1, 1), 1, 1, None, code, part=Part.CONDITION) for code in FILES]
    utility = Verdict.PASS if fall + 0.004 <= 0.02 else Verdict.FAIL if fall - 0.006 > 0.02 else Verdict.INCONCLUSIVE
    others = [
        Check("V10", utility, Interval(fall, fall - 0.004, fall + 0.004, 900), None, 0.02, None, "utility_test",
              part=Part.CONDITION),
        Check("V6", Verdict.FAIL if harm else Verdict.PASS, Interval(0.1, 0.05, 0.15, 90), None, 0.02, None,
              "quantization_8", part=Part.GUARDRAIL),
    ]  # fmt: skip
    checks = (*(one.check() for one in ends), *ok, *others)
    found, reason = decide(checks, ends, margins, retrained)
    advantages = tuple(advantage(one.measure, one.knowledge, 1 - 2 * one.level) for one in ends)
    return render(
        Verification(
            "run-1", margins.digest, found, checks, {}, reason, details_of(checks, ends, margins), advantages, (), attempt,
            next_steps(found, reason, checks),
        ),
        english(),
    )  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    PHI, PHI, st.floats(0.005, 0.3), st.floats(0.01, 0.6), st.sampled_from([0.5, 0.7, 0.8]),
    st.sampled_from([0, 2, 4, 5, 8]), st.floats(-0.02, 0.05), st.booleans(), st.booleans(), st.integers(1, 4),
)  # fmt: skip
def test_sentence_never_contradicts_the_numbers(
    phi, other, before, error, theta, count, fall, harm, retrained, attempt
):
    ends = [
        endpoint(measure, share, before, error, theta, count, attempt)
        for measure, share in (("log_loss", phi), ("membership", other))
    ]
    found = verification(ends, fall, harm, retrained, attempt)
    said, kept = found.sentence, 1 - theta
    left = [contrast(one.knowledge, 1, 0).value for one in ends] if count else []
    assert said and "{" not in said and "nan" not in said.lower()
    if found.verdict is Verdict.PASS:
        assert count >= 5 and not harm and fall < 0.02
        assert all(-kept * before < one < kept * before for one in left)
        told = found.details["at_least"]
        shown = re.search(r"(at least|more than) (\d+)%", said)
        at_least = int(shown.group(2)) / 100
        assert shown.group(1) == ("more than" if told is None else "at least")
        assert theta - 0.01 < at_least <= (theta if told is None else told) + 1e-9  # never more than what is shown
        assert at_least <= min(phi, other)
        assert fall <= float(re.search(r"at most ([\d.]+) AUC", said).group(1)) < 0.0205
    if "still knows more than" in said:
        assert found.verdict is Verdict.FAIL and max(left) > kept * before and f"{100 * kept:.0f}%" in said
    if "Forgotten too much" in said:
        assert found.verdict is Verdict.FAIL and min(left) < -kept * before
    if "harm is shown" in said:
        assert harm and found.verdict is Verdict.FAIL
    if "No measurable trace" in said:
        assert before < 0.02 and count >= 5 and not harm and fall + 0.004 <= 0.02
    if told := re.search(r"With? ([\d.]+)% confidence", said, re.IGNORECASE):
        assert float(told[1]) / 100 <= 1 - ends[0].level + 1e-12  # never more confidence than the attempt's level
    if said.startswith("Exact"):
        assert retrained and not any(one.verdict == (Verdict.FAIL, "still_knows") for one in ends)
    if said.startswith("Inconclusive: "):
        assert found.verdict is Verdict.INCONCLUSIVE and found.next_steps
    assert said.startswith(("Forgotten: ", "Exact", "No measurable")) == (
        found.verdict in (Verdict.PASS, Verdict.EXACT, Verdict.NO_TRACE)
    )


@pytest.mark.parametrize("verdict", ["", "Forgotten: with 95% confidence, at least 71% ..."])
def test_headline_is_the_verdict_where_there_is_one(verdict):
    request = Request("req-1", users=("u1",))
    found = summarise(
        RunSpec("r", "req-1"), request, {}, (), EVALUATION, method_title="CURE", memory_contrast=False, verdict=verdict
    )
    assert found.headline == verdict if verdict else found.headline.startswith("Not verified yet")


def test_pass_without_a_share_says_what_the_tests_show():
    """An advantage of two to three standard errors lets a model pass, but no share of it is told."""
    ends = [endpoint(measure, 1.0, 0.1, 0.75, 0.5, 5, 1) for measure in ("log_loss", "membership")]
    checks = tuple(one.check() for one in ends)
    found = Verification("r", "", Verdict.PASS, checks, {}, "", details_of(checks, ends, Thresholds()))
    assert found.details["at_least"] is None
    assert "more than 50% of what the model knew" in render(found, english()).sentence


def test_needed_references_come_from_the_endpoint_that_is_not_decided():
    ends = [endpoint("log_loss", 1.0, 0.2, 0.01, 0.5, 5, 1), endpoint("membership", 0.65, 0.2, 0.3, 0.5, 5, 1)]
    checks = tuple(one.check() for one in ends)
    assert [check.verdict for check in checks] == [Verdict.PASS, Verdict.INCONCLUSIVE]
    needed = checks[1].details["references_needed"]
    assert needed > 5 and details_of(checks, ends, Thresholds())["references_needed"] == needed
