"""What a waiting run is told: how many come first, and about for how long."""

from dataclasses import replace

from core.runs.process_identity import this_worker
from core.runs.queue import Before, before
from core.runs.submit import create_run
from core.types import RunState, RunStatus


def test_a_waiting_run_is_told_what_comes_first(workspace):
    request = workspace.requests()[0].id
    done, works, next_one, last = (create_run(workspace, request, "finetune", "cpu", seed=seed) for seed in range(4))
    for folder in (done, works, next_one, last):
        folder.store.enlist(folder.id, this_worker())
    told = RunStatus(RunState.RUNNING, "unlearning", 0.5, 20.0, 10.0, "", "cpu", "float32", this_worker(), "2026-01-01")
    token = done.store.claim(done.id, this_worker())
    assert before(last) == Before(3, None)  # no finished run tells how long one takes
    done.store.end(done.id, token, replace(told, state=RunState.DONE, seconds=40.0))
    token = works.store.claim(works.id, this_worker())
    works.store.tell(works.id, token, replace(told, eta=10.0))
    assert before(next_one) == Before(1, 10.0)
    assert before(last) == Before(2, 50.0)
