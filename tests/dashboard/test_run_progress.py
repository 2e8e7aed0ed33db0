"""A run at work in words: honest time left, what the machine does, and its GPU."""

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.pipeline.stages import STAGES
from core.runs import dispatcher
from core.runs.hand_over import DeviceNeeds, hand_over
from core.runs.process_identity import this_worker
from core.types import GpuUse, RunState, RunStatus
from core.utils.clock import utc_now
from dashboard.presenters.run_progress import doing, gpu_text, progress_text
from dashboard.services import queries

WRITTEN = datetime(2026, 1, 5, 9, tzinfo=UTC)
STATUS = RunStatus(RunState.RUNNING, "unlearning", 0.4, updated=WRITTEN.isoformat())


@pytest.mark.parametrize(
    ("eta", "stage_eta", "age", "words"),
    [
        (None, None, 0, "The time left follows once its pace is measured."),
        (80.0, None, 0, "about 80 seconds left at its pace."),
        (80.0, 30.0, 0, "about 30 seconds left in this stage and 80 seconds in all."),
        (80.0, 30.0, 20, "about 10 seconds left in this stage and 60 seconds in all."),  # written 20 seconds ago
        (80.0, 30.0, 45, "about 35 seconds left at its pace."),
        (80.0, 30.0, 80, "This takes longer than its pace so far suggested."),
        (80.0, 30.0, -9, "about 30 seconds left in this stage and 80 seconds in all."),  # the other clock is ahead
    ],
)
def test_time_left_counts_down_and_never_promises_what_is_not_measured(eta, stage_eta, age, words) -> None:
    text = progress_text(replace(STATUS, eta=eta, stage_eta=stage_eta), WRITTEN + timedelta(seconds=age))
    assert text.startswith("Unlearning: 40% of the run is done") and text.endswith(words)
    assert "unknown" not in text and "a while" not in text


def test_every_stage_says_what_the_machine_is_doing() -> None:
    said = {doing(replace(STATUS, stage=stage), retrains=False) for stage in STAGES}
    assert "" not in said and len(said) == len(STAGES)
    assert doing(STATUS, retrains=True) not in said
    assert doing(replace(STATUS, stage="queued"), retrains=False) == ""


def test_gpu_is_shown_with_its_load_only_where_that_is_known() -> None:
    use = GpuUse(87, 12_340_000_000, 141_000_000_000)
    assert gpu_text(use) == "GPU 87% busy, 12.3 of 141.0 GB in use"
    assert gpu_text(replace(use, load=None)) == "GPU: 12.3 of 141.0 GB in use"


def test_page_of_a_waiting_run_tells_why_nothing_starts_it(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; sys.exit('No module named core')"
    monkeypatch.setattr(dispatcher, "PYTHON", (sys.executable, "-c", script))
    run = queries.run("run-demo")
    run.store.add(run.id, "wish", externally_queued=False)
    hand_over(run.store, run.id, DeviceNeeds(("cpu",), 1, None))
    queries.queue(run)  # which starts a dispatcher
    while not (fault := queries.dispatcher_fault(run)):
        time.sleep(0.1)
    app = page("run", errors=True, run=run.id)
    assert "(No module named core)" in fault and "(No module named core)" in app.error[0].value.replace("\\", "")


def test_page_of_a_run_at_work_shows_the_stage_the_time_left_and_the_gpu(page, demo: Path) -> None:
    run, worker = queries.run("run-demo"), this_worker()
    run.store.add(run.id, "wish", externally_queued=False)
    run.store.register_worker(run.id, worker)
    token = run.store.claim(run.id, worker)
    use = GpuUse(61, 5_000_000_000, 141_000_000_000)
    status = replace(STATUS, eta=3000.0, stage_eta=1000.0, updated=utc_now(), worker=worker, gpu=use)
    run.store.write_status(run.id, token, status)
    app = page("run", run=run.id)
    assert "left in this stage and 50 minutes in all" in app.get("progress")[0].proto.text
    assert doing(STATUS, retrains=False) in {one.value for one in app.markdown}
    assert any("GPU 61% busy" in one.value for one in app.caption)
