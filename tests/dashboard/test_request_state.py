"""One state per request: a table of all states, and random histories after which all pages say the same."""

import random
from dataclasses import replace

import pytest

from core.review.batches import open_batch
from core.review.cases import Cases
from core.review.request_state import request_statuses
from core.runs.handle import RunHandle, open_run, runs
from core.runs.process_identity import this_worker
from core.runs.requests import open_request
from core.types import CaseState, RequestState, RunSpec, RunState, RunStatus, Verdict
from core.workspace import Workspace
from dashboard.components.request_card import standing, state_text
from dashboard.presenters.inbox import WAITING, inbox_sentence
from tests.dashboard.test_pages import text_of

S, ENDED = RequestState, (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


class History:
    """Events of one request, each written as the product writes it."""

    def __init__(self, demo) -> None:
        self.workspace, self.number = Workspace(demo), 0
        self.template = open_run(self.workspace, "run-forgotten").verification
        user = self.workspace.user_split.training_users[-1]
        self.request = open_request(self.workspace, users=(user,)).id

    @property
    def newest(self) -> RunHandle | None:
        return next((run for run in runs(self.workspace) if run.spec.request == self.request), None)

    @property
    def case(self):
        return Cases(self.workspace).of(self.request)

    def launch(self) -> None:
        self.number += 1
        run = RunHandle(self.workspace.layout.run(f"run-{self.number}-{self.request}").path)
        run.path.mkdir()
        created = f"2026-02-{self.number:02d}T09:00:00+00:00"
        run.write_spec(RunSpec(run.id, self.request, "uniform", "cpu", created=created))
        run.store.add(run.id, run.id, externally_queued=False)

    def end(self, state: RunState) -> None:
        run, worker = self.newest, this_worker()
        run.store.register_worker(run.id, worker)
        run.store.end(run.id, run.store.claim(run.id, worker), RunStatus(state))
        if state is RunState.DONE:
            run.layout.adapter.mkdir()

    def verify(self, verdict: Verdict) -> None:
        self.newest.write_verification(replace(self.template, run=self.newest.id, verdict=verdict))

    def submit(self) -> None:
        Cases(self.workspace).submit(self.request, self.newest.id, "olaf", "evidence")

    def decide(self, state: CaseState) -> None:
        Cases(self.workspace).change(self.case.number, lambda case: replace(case, state=state))
        if state is CaseState.REJECTED:
            self.newest.discard()

    def join_batch(self) -> None:
        other = open_request(self.workspace, users=(self.workspace.user_split.training_users[-2],)).id
        open_batch(self.workspace, [self.request, other], "batch-2026-11")

    def status(self):
        return request_statuses(Workspace(self.workspace.root))[self.request]


TABLE = {
    S.NEW: [],
    S.RUNNING: [("launch",)],
    S.STOPPED: [("launch",), ("end", RunState.FAILED)],
    S.UNVERIFIED: [("launch",), ("end", RunState.DONE)],
    S.VERIFIED: [("launch",), ("end", RunState.DONE), ("verify", Verdict.INCONCLUSIVE)],
    S.FAILED: [("launch",), ("end", RunState.DONE), ("verify", Verdict.FAIL)],
    S.IN_BATCH: [("join_batch",)],
}
TABLE[S.PENDING] = [*TABLE[S.VERIFIED], ("submit",)]
TABLE |= {
    S(state): [*TABLE[S.PENDING], ("decide", state)]
    for state in (CaseState.APPROVED, CaseState.REJECTED, CaseState.VOID, CaseState.CLOSED)
}
TABLE[S.VOID].insert(-1, ("lose_runs",))


@pytest.mark.parametrize("state", list(S))
def test_every_state_is_reached_and_named(demo, state) -> None:
    history = History(demo)
    history.lose_runs = lambda: history.newest.discard()
    for name, *values in TABLE[state]:
        getattr(history, name)(*values)
    assert history.status().state is state
    assert "{" not in standing(history.status())


@pytest.mark.parametrize("after", [S.REJECTED, S.FAILED, S.STOPPED])
def test_a_newer_run_takes_over(demo, after) -> None:
    history = History(demo)
    for name, *values in (*TABLE[after], *TABLE[S.VERIFIED]):
        getattr(history, name)(*values)
    status = history.status()
    assert (status.state, status.run, status.verdict) == (S.VERIFIED, history.newest.id, Verdict.INCONCLUSIVE)


def test_newer_run_that_did_not_finish_is_not_hidden_by_an_old_rejection(demo) -> None:
    history = History(demo)
    for name, *values in TABLE[S.REJECTED]:
        getattr(history, name)(*values)
    Cases(history.workspace).change(history.case.number, lambda case: replace(case, submitted="2026-01-01T00:00:00"))
    for name, *values in TABLE[S.STOPPED]:
        getattr(history, name)(*values)
    assert (history.status().state, history.status().run) == (S.STOPPED, history.newest.id)


@pytest.mark.parametrize("seed", range(4))
def test_all_pages_say_the_same_after_random_histories(page, demo, seed) -> None:
    history, chance = History(demo), random.Random(seed)
    for _ in range(3):
        for _ in range(chance.randint(1, 4)):
            step = chance.choice(possible(history))
            getattr(history, step[0])(*step[1:])
        status = history.status()
        where = standing(status)
        for name in ("overview", "request"):
            assert where in text_of(page(name, errors=True, request=history.request)), (name, where)
        assert state_text(status) in page("review", errors=True, request=history.request).title[0].value
        case = history.case
        assert (status.state is S.PENDING) == (case is not None and case.state is CaseState.PENDING)
        assert status.state is not S.NEW or history.newest is None


def possible(history: History) -> list[tuple]:
    """The events that the product allows now."""
    run, case = history.newest, history.case
    if case and case.state is CaseState.PENDING:
        return [("decide", CaseState.REJECTED), ("verify", Verdict.FAIL)]
    if run is None or (run.status.state in ENDED and not run.layout.adapter.is_dir()):
        return [("launch",)]
    if run.status.state not in ENDED:
        return [("end", state) for state in ENDED]
    if run.verification is None:
        return [("verify", verdict) for verdict in Verdict] + [("launch",)]
    return [("launch",), ("submit",)]


def test_every_state_waits_for_one_thing():
    assert sorted(state for kind in WAITING.values() for state in kind) == sorted(S)
    assert inbox_sentence([]) == "No request is open."
    assert inbox_sentence([S.RUNNING]) == "One request is open: one has a run that did not finish yet."
