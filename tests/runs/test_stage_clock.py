"""Time left of a run: from the pace of its own stages, whatever their typical shares say."""

import pytest
import torch

from core.runs import stage_clock
from core.runs.gpu_use import gpu_use
from core.runs.lease import Lease
from core.runs.stage_clock import StageClock
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import GpuUse, RunState

SHARES = {"a": 0.2, "b": 0.3, "c": 0.5}


@pytest.mark.parametrize("speed", [0.5, 1.0, 40.0])
@pytest.mark.parametrize("warm_up", [0.0, 25.0])
def test_stage_at_an_even_pace_has_the_time_left_that_it_then_takes(speed: float, warm_up: float) -> None:
    clock, length = StageClock(SHARES), 200 * speed
    clock.start("a", 0.0)
    for step in range(1, 51):
        clock.report(step / 50, warm_up + length * step / 50)  # the warm-up is not part of the pace
        left = clock.stage_left()
        assert (left is None) == (step == 1)
        assert left is None or left == pytest.approx(length * (1 - step / 50))


def test_time_left_grows_with_the_pace_of_the_running_stage() -> None:
    def left(seconds_of_half: float) -> float | None:
        clock = StageClock(SHARES)
        clock.start("b", 0.0)
        clock.report(0.0, 0.0)
        clock.report(0.5, seconds_of_half)
        return clock.left(seconds_of_half)

    assert left(30.0) == pytest.approx(30.0 + 100.0)  # b takes 60 seconds for 0.3 of a run, so c 100 for its half
    assert left(60.0) == pytest.approx(2 * left(30.0))


def test_stages_to_come_are_as_fast_as_the_measured_ones() -> None:
    clock = StageClock(SHARES)
    clock.start("a", 0.0)
    assert clock.left(5.0) is None  # nothing is measured yet
    clock.start("b", 20.0)  # a took 20 seconds, so a typical run takes 100
    assert clock.left(20.0) == pytest.approx(80.0)
    clock.report(0.0, 20.0)
    clock.report(0.5, 50.0)  # b takes 60 seconds: a and b 80 for half a run, so c takes 80
    assert clock.stage_left() == pytest.approx(30.0)
    assert clock.left(50.0) == pytest.approx(30.0 + 80.0)
    clock.start("c", 80.0)
    assert clock.left(80.0) == pytest.approx(80.0)
    assert clock.left(300.0) == 0.0  # it took longer than the others let expect, and reports nothing


def test_status_of_a_run_takes_its_time_left_from_its_own_stages(workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_clock, "SHORTEST", 0.0)  # the run takes a moment
    monkeypatch.setattr("core.runs.folder_observer.WRITE_EVERY", 0.0)
    written, write = [], Lease.write_status

    def keep(lease: Lease, status) -> None:
        written.append(status)
        write(lease, status)

    monkeypatch.setattr(Lease, "write_status", keep)
    run = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", 0, 6)
    assert work(run) is RunState.DONE
    assert written[0].stage == "loading" and written[0].eta is None
    for stage in ("original", "evaluation"):
        shares = [status.progress for status in written if status.stage == stage]
        assert shares == sorted(shares) and len(set(shares)) > 10  # at each ranked user
    steps = [status for status in written if status.stage == "unlearning"]
    assert [status.stage_eta is None for status in steps[:3]] == [True, True, False]  # start, first step, second step
    assert all(0 <= status.stage_eta <= status.eta for status in steps[2:])
    assert (run.status.eta, run.status.stage_eta, run.status.gpu) == (None, None, None)


def test_gpu_tells_its_memory_and_its_load_where_torch_can_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert gpu_use(torch.device("cpu")) is None
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (30, 100))
    monkeypatch.setattr(torch.cuda, "utilization", lambda device: 87)
    assert gpu_use(torch.device("cuda:0")) == GpuUse(87, 70, 100)

    def missing(device: object) -> int:
        raise ModuleNotFoundError("nvidia-ml-py does not seem to be installed")

    monkeypatch.setattr(torch.cuda, "utilization", missing)
    assert gpu_use(torch.device("cuda:0")) == GpuUse(None, 70, 100)
