"""Whoever had a part in a run does not decide on it, by all its entries and not by the last one."""

from dataclasses import replace

import pytest

from core.errors import ReviewError
from core.runs import launchers, submit
from core.runs.handle import open_run
from core.runs.ledger import RESUMED, open_ledger
from core.runs.submit import create_run
from tests.review.conftest import enter_run, enter_verification


@pytest.mark.parametrize("part", ["verified the run", "launched the run", "resumed the run"])
def test_earlier_entry_names_who_does_not_decide(desk, part):
    """Paul had a part in it, and Olaf did the same again."""
    run = open_run(desk.workspace, desk.run)
    enter_run(run, **{"launched the run": {"by": "paul"}, "resumed the run": {"resumed_by": ["paul"]}}.get(part, {}))
    enter_run(run, resumed_by=[])
    enter_verification(run, run.verification, "paul" if part == "verified the run" else "olaf")
    enter_verification(run, run.verification, "olaf")
    desk.submit()
    with pytest.raises(ReviewError, match=part):
        desk.decide("paul")


def test_whoever_launches_a_run_that_waits_already_does_not_decide(desk, monkeypatch):
    """The first launch was killed before it started a worker, so the second one starts it."""
    started = replace(launchers.LAUNCHERS["local"], start=lambda *_: "job")
    monkeypatch.setitem(launchers.LAUNCHERS, "local", started)
    first, second = (
        create_run(desk.workspace, desk.request, "uniform", "cpu", seed=8, steps=3, launched_by=who)
        for who in ("olaf", "paul")
    )
    submit.start(second)
    assert first.id == second.id and second.spec.launched_by == "olaf"
    assert open_ledger(desk.workspace).facts(RESUMED, second.id) == [(second.id, "paul")]
