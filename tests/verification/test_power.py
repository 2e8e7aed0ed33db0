"""Rows that a verdict takes: computed a second way with the noncentral t, and compared with the demo's verdicts."""

import math
from dataclasses import replace

import pytest
from scipy.stats import nct
from scipy.stats import t as student

from core.report.rows_needed_text import rows_needed_text
from core.runs.handle import open_run
from core.runs.rows_needed import rows_needed
from core.types import Advantage, Interval, RowsNeeded, Verdict, Verification
from core.utils.assets import asset
from core.verification.power import POWER, has_advantage, measures_noise, rows_for_verdict
from core.workspace import Workspace

ROWS, KEEP = 100, 0.5
REFERENCES = (-0.02, 0.01, 0.015, -0.01, 0.005)


def measured(error: float, references=REFERENCES, advantage: float = 0.2) -> Verification:
    """A verification whose advantages have this standard error on ROWS rows."""
    half = student.ppf(0.95, len(references) - 1) * error
    own, original = (Interval(value, value - half, value + half, ROWS) for value in (0.0, advantage))
    found = tuple(Advantage(name, original, own, references, None) for name in ("log_loss", "membership"))
    return Verification("r", "", Verdict.INCONCLUSIVE, (), {}, advantages=found)


def test_test_at_the_needed_rows_has_about_the_power_that_is_promised():
    error, count = 0.04, len(REFERENCES)
    knowledge = [one * (count - 1) / count for one in REFERENCES]
    seeds = sum(one**2 for one in knowledge) / (count - 1)
    needed = rows_for_verdict(measured(error), 1 - KEEP)
    rows_error = (1 + KEEP) * math.sqrt((error**2 - seeds / count) * ROWS / needed)
    total = math.hypot(rows_error, math.sqrt(seeds / count) * (1 + KEEP))
    power = nct.sf(student.ppf(0.95, count - 1), count - 1, KEEP * 0.2 / total)
    assert 0.75 < power < 0.9


def test_needed_rows_follow_the_noise():
    """With negligible seeds, twice the error takes four times the rows; twice the advantage takes a quarter."""
    still = tuple(one * 1e-6 for one in REFERENCES)
    once = rows_for_verdict(measured(0.04, still), 1 - KEEP)
    assert rows_for_verdict(measured(0.08, still), 1 - KEEP) == pytest.approx(4 * once, abs=4)
    assert rows_for_verdict(measured(0.04, still, 0.4), 1 - KEEP) == pytest.approx(once / 4, abs=4)
    assert rows_for_verdict(measured(0.04), 0.9) > rows_for_verdict(measured(0.04), 0.5)


def test_no_number_of_rows_helps_where_seeds_are_too_noisy_or_nothing_was_known():
    assert rows_for_verdict(measured(0.2, tuple(30 * one for one in REFERENCES)), 1 - KEEP) is None
    assert rows_for_verdict(measured(0.04, advantage=-0.1), 1 - KEEP) is None
    assert has_advantage(measured(0.2)) and not has_advantage(measured(0.04, advantage=-0.1))


def test_verification_without_references_measures_no_noise():
    assert measures_noise(measured(0.04))
    assert not measures_noise(measured(0.04, (0.1,))) and not measures_noise(replace(measured(1), advantages=()))


def test_demo_needs_fewer_rows_than_its_pass_had_and_more_than_one_person_has():
    demo = Workspace(asset("demo"))
    passed, single = open_run(demo, "run-forgotten"), open_run(demo, "run-demo")
    assert passed.verification.verdict is Verdict.PASS and single.verification.verdict is Verdict.INCONCLUSIVE
    large, small = (rows_needed(demo, [demo.request(run.spec.request)]) for run in (passed, single))
    assert small.needed == large.needed and small.rows < large.needed < large.rows
    assert (small.rows, large.rows) == (37, 816)
    enough = "so they are enough. Estimated for a run that forgot everything: an"
    assert f"{enough} {POWER:.0%} chance" in rows_needed_text(large).replace(" %", "%")
    assert "such requests in one batch" in rows_needed_text(small)


def test_workspace_without_a_verification_says_that_nothing_is_known(workspace):
    request = workspace.requests()[0]
    found = rows_needed(workspace, [request])
    assert not found.measured and found.needed is None and found.rows > 0
    assert "not known until one run" in rows_needed_text(found)
    assert "train more of them" in rows_needed_text(replace(found, measured=True))
    hopeless = rows_needed_text(replace(found, measured=True, advantage=False))
    assert "no advantage was measured" in hopeless and "train more" not in hopeless


def test_sentence_rounds_up_and_counts_requests():
    text = rows_needed_text(RowsNeeded(3, 130, True, 691))
    assert text.startswith(
        "These 3 requests cover 130 rows of training data; about 700 are needed for a verdict, or about 16 such requests in one batch. "
    )
    assert "about 700 are needed for a verdict. Estimated" in rows_needed_text(RowsNeeded(1, 0, True, 691))
