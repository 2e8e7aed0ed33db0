"""The whole build of a demo world, in a world so small that it takes a minute: an interrupted build goes on."""

from collections import Counter
from dataclasses import replace

import pytest

from core.demo import build
from core.demo.build import digests, make_demo
from core.demo.worlds import CINEMA, DemoRequest, DemoRun
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.types import RunState
from core.workspace import Workspace

pytestmark = pytest.mark.slow
RUN = DemoRun("run-small", "graddiff", "2026-01-05T09:00:00+00:00", steps=2, lists=True)
SMALL = replace(
    CINEMA,
    people=30,
    films=240,
    ratings=(10, 12),
    crowd=60,
    settings=replace(CINEMA.settings, window=6, epochs=1, rank=2),
    scratch=replace(CINEMA.scratch, width=32, layers=2, heads=4, kv_heads=4, epochs=1),
    requests=(DemoRequest("req-small", slice(2, 4), "They moved away.", "2026-01-02T09:00:00+00:00", (RUN,)),),
    references=2,
    full=False,
)


def built(folder) -> Workspace:
    make_demo(SMALL, folder, lambda _name, _step: False)
    return Workspace(folder)


def test_small_world_is_built_and_signed_after_an_interruption(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, "finished_run", interrupted)
        built(tmp_path / "small")
    workspace = built(tmp_path / "small")
    run = open_run(workspace, RUN.id)
    assert run.status.state is RunState.DONE and run.verification and run.overlaps
    kinds = Counter(entry.kind for entry in open_ledger(workspace).statements())
    assert kinds == {"ledger": 1, "request": 1, "reference": 2, "answers": 4, "run": 1, "overlap": 1, "verification": 1}
    before = digests(SMALL, workspace.root)
    built(workspace.root)  # nothing is left to do
    assert digests(SMALL, workspace.root) == before


def interrupted(*_arguments: object) -> None:
    raise KeyboardInterrupt
