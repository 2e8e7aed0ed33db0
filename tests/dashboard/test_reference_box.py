"""References on the pages Request and Run: what is ready, and a training that is started, watched and stopped there."""

import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.device_locks import take
from core.runs.process_identity import this_worker
from core.runs.reference_job import training_status
from core.types import ReferenceTraining, RunState, Verification
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from dashboard.services import references
from tests.dashboard.conftest import open_page
from tests.dashboard.test_pages import text_of

REQUEST = "req-one"


@pytest.fixture
def workspace(demo: Path) -> Workspace:
    """The demo, where the request has two of its five references."""
    for seed in (103, 104, 105):
        shutil.rmtree(demo / "references" / REQUEST / f"seed-{seed}")
    return Workspace(demo)


@pytest.fixture
def busy_device() -> Iterator[None]:
    """The processor is in use, so that a training waits for it."""
    taken = take(("cpu",))
    assert taken
    with taken[1]:
        yield


def write(workspace: Workspace, training: ReferenceTraining) -> None:
    write_json(workspace.layout.training(REQUEST).status, training)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


@pytest.mark.parametrize("name", ["request", "run"])
def test_page_says_how_many_references_are_missing(workspace: Workspace, name: str) -> None:
    app = open_page(name, {"request": REQUEST})
    assert "**2 references are ready** for this request; a verdict needs 5." in text_of(app)
    assert next(box.value for box in app.number_input if box.label == "References in all") == 5
    assert next(button.label for button in app.button if button.key == "train") == "Train 3 references"


def test_count_follows_what_the_last_verification_needs(workspace: Workspace) -> None:
    for name in ("run-demo", "run-retrained"):
        path = workspace.layout.run(name).verification
        found = read_json(path, Verification)
        write_json(path, replace(found, details=found.details | {"references_needed": 9}))
    assert references.needed(REQUEST) == 9 and references.needed("req-demo") == 5
    assert "a verdict needs 9." in text_of(open_page("request", {"request": REQUEST}))


@pytest.mark.slow
def test_training_is_started_once_and_stopped_from_the_page(workspace: Workspace, busy_device: None) -> None:
    first, second = (open_page("request", {"request": REQUEST}) for _ in range(2))
    for app in (first, second):
        next(button for button in app.button if button.key == "train").click().run()
        assert not app.error
    started = training_status(workspace, REQUEST)
    assert started and started.wanted == 5 and started.state is RunState.QUEUED
    watched = open_page("run", {"request": REQUEST})
    assert "stop_references" in keys(watched) and "train" not in keys(watched)
    next(button for button in watched.button if button.key == "stop_references").click().run()
    end = time.monotonic() + 60
    while training_status(workspace, REQUEST).state is not RunState.CANCELLED:
        assert time.monotonic() < end
        time.sleep(0.2)
    assert training_status(workspace, REQUEST).worker in (None, started.worker)
    after = open_page("request", {"request": REQUEST})
    assert "The training was stopped. 2 references are kept" in text_of(after) and "train" in keys(after)


def test_killed_training_is_told_and_can_go_on(workspace: Workspace) -> None:
    dead = replace(this_worker(), pid=2**22 + 1)
    write(workspace, ReferenceTraining(RunState.RUNNING, 5, 0.3, worker=dead))
    app = open_page("request", {"request": REQUEST})
    assert app.error[0].value.startswith("The training lost its process. 2 references are kept")
    assert "train" in keys(app)


def test_failed_training_shows_its_reason_as_text(workspace: Workspace) -> None:
    write(workspace, ReferenceTraining(RunState.FAILED, 5, message="The disk ![x](http://evil.example) is full."))
    shown = open_page("request", {"request": REQUEST}).error[0].value
    assert "is full" in shown and "](http" not in shown


def test_progress_names_the_reference_and_the_time_left(workspace: Workspace) -> None:
    write(workspace, ReferenceTraining(RunState.RUNNING, 5, 0.4, 180.0, 120.0, device="cpu", worker=this_worker()))
    app = open_page("request", {"request": REQUEST})
    assert [one.proto.text for one in app.get("progress")] == ["Reference 3 of 5: 40% done, about 3 minutes left"]


def test_finished_references_lead_to_the_run(workspace: Workspace, demo: Path) -> None:
    for name in ("run-demo", "run-retrained"):
        shutil.rmtree(demo / "runs" / name)
    links = [one.proto.label for one in open_page("request", {"request": REQUEST}).get("page_link")]
    assert "Next: launch the run" in links
