"""Progress where no terminal shows it."""

import pytest

from core.cli import console
from core.unlearning.training_types import Step


def lines(capsys, quiet: bool = False, total: int = 40) -> list[str]:
    with console.progress(quiet) as bars:
        report = console.step_bars(bars)
        for number in range(total + 1):
            report("adapter", Step(number, total, {}))
    return [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("total", [10, 40, 1000])
def test_log_gets_a_line_at_start_at_each_tenth_and_at_the_end(capsys, total):
    assert lines(capsys, total=total) == [f"adapter: {10 * tenth}%" for tenth in range(11)]


def test_quiet_command_prints_no_progress(capsys):
    assert lines(capsys, quiet=True) == []


def test_stage_of_a_run_is_told_when_it_changes(capsys):
    with console.progress() as bars:
        task = bars.add_task("queued", total=1.0)
        for stage, done in (("queued", 0.0), ("unlearning", 0.0), ("unlearning", 0.05), ("unlearning", 0.1)):
            bars.update(task, completed=done, description=stage)
    told = [line.split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert told == ["queued: 0%", "unlearning: 0%", "unlearning: 10%"]


def test_long_step_is_told_again_before_its_next_tenth(capsys, monkeypatch):
    monkeypatch.setattr(console, "LINE_EVERY", -1.0)
    assert lines(capsys, total=20) == [f"adapter: {5 * step}%" for step in [0, *range(21)]]  # the first when it is made
