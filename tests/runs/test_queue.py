"""Position of a waiting run in the queue: number of earlier runs and expected waiting time."""

from dataclasses import replace

from core.runs.process_identity import this_worker
from core.runs.queue import QueueAhead, queue_ahead
from core.runs.submit import create_run
from core.types import RunState, RunStatus


def test_waiting_run_has_position_and_waiting_time(workspace):
    request = workspace.requests()[0].id
    done, running, waiting, last = (create_run(workspace, request, "finetune", "cpu", seed=seed) for seed in range(4))
    for run in (done, running, waiting, last):
        run.store.register_worker(run.id, this_worker())
    status = RunStatus(
        RunState.RUNNING, "unlearning", 0.5, 20.0, 10.0, "", "cpu", "float32", this_worker(), "2026-01-01T00:00:00Z"
    )
    token = done.store.claim(done.id, this_worker())
    assert queue_ahead(last) == QueueAhead(3, None)  # no finished run gives a duration
    done.store.end(done.id, token, replace(status, state=RunState.DONE, seconds=40.0))
    token = running.store.claim(running.id, this_worker())
    running.store.write_status(running.id, token, replace(status, eta=10.0))
    assert queue_ahead(waiting) == QueueAhead(1, 10.0)
    assert queue_ahead(last) == QueueAhead(2, 50.0)
