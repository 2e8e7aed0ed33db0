"""Fixtures of the review tests: a workspace with a ledger, reviewers, and one verified run of its request."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.data.splits import forget_set, forgotten_of
from core.pipeline.question import question_digest
from core.review.cases import Cases
from core.review.decisions import decide, submit
from core.runs.handle import RunHandle
from core.runs.ledger import VerificationInputs, open_ledger
from core.runs.ledger_entries import RUN, Ledger
from core.runs.references import train_references
from core.runs.request_content import request_content
from core.runs.submit import create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import Case, RunState, Verdict, Verification
from core.utils.serialization import write_json
from core.workspace import Workspace

PEOPLE = {
    "rita": ("requester",),
    "olaf": ("operator",),
    "petra": ("privacy_officer",),
    "paul": ("privacy_officer", "product_owner", "operator"),
    "owen": ("product_owner",),
    "anna": ("auditor",),
}


@pytest.fixture(scope="session")
def verified(prepared, tmp_path_factory) -> Path:
    """A folder with the workspace and its keys; copy it before writing to it."""
    folder = tmp_path_factory.mktemp("verified")
    workspace = Workspace(shutil.copytree(prepared, folder / "workspace"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CURE_LENS_KEYS", str(folder / "keys"))
        write_json(workspace.root / "workspace.json", replace(workspace.settings, people=PEOPLE))
        request = workspace.requests()[0]
        write_json(workspace.root / f"requests/{request.id}.json", replace(request, opened_by="rita"))
        assert CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)]).exit_code == 0
        workspace = Workspace(workspace.root)  # with the people
        train_references(workspace, request.id, 2, "cpu", lambda number, step: False)  # those there are older
        run = create_run(workspace, request.id, "uniform", "cpu", steps=3, launched_by="olaf")
        assert work(run) is RunState.DONE, run.status
        verify_run(run, "cpu")
    return folder


def confirm(workspace: Workspace) -> None:
    """Sign people, roles and requests as they stand."""
    command = ["ledger", "confirm", "--json", "-w", str(workspace.root)]
    digest = json.loads(CliRunner().invoke(app, command).stdout)["digest"]
    assert CliRunner().invoke(app, [*command, "--digest", digest]).exit_code == 0


def enter_verification(run: RunHandle, found: Verification, person: str = "olaf") -> None:
    """Sign a verification of a run as if its forget set had been asked."""
    workspace, settings = run.workspace, run.workspace.settings
    request = workspace.request(run.spec.request)
    asked = forget_set(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    open_ledger(workspace).record_verification(
        run, found, VerificationInputs({}, request, asked, question_digest(workspace, request), person)
    )


def enter_run(run: RunHandle, source: str = "", **changes: object) -> None:
    """Sign a run as its folder tells, with what else the last entry of `source`, or its own, says of it."""
    workspace, ledger = run.workspace, Ledger(run.workspace)
    request, settings = workspace.request(run.spec.request), workspace.settings
    rows = forgotten_of(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    told = {"run": run.id, "by": run.spec.launched_by, "request": request_content(request, rows, ledger.keys)}
    ledger.append(RUN, ledger.subjects_now(run), {**ledger.run_content(source or run.id), **told, **changes})


@dataclass
class Desk:
    """Actions on the workspace under review. `request` and `run` are ids."""

    workspace: Workspace
    request: str
    run: str

    @property
    def case(self) -> Case:
        return Cases(self.workspace).of(self.request)

    def judge(self, verdict: Verdict, **changes: object) -> None:
        """Give the run a signed verification with another verdict."""
        run = RunHandle(self.workspace.layout.run(self.run).path)
        found = replace(run.verification, verdict=verdict, **changes)
        run.write_verification(found)
        enter_verification(run, found)

    def set_people(self, people: Mapping[str, Sequence[str]], signed: bool = True) -> None:
        """Write people and roles into the settings, and have them signed."""
        write_json(self.workspace.layout.settings, replace(self.workspace.settings, people=people))
        self.workspace = Workspace(self.workspace.root)
        if signed:
            confirm(self.workspace)

    def submit(self, person: str = "olaf") -> Case:
        return submit(self.workspace, self.run, person)

    def decide(self, person: str, approve: bool = True, reason: str = "The rest is proven.") -> Case:
        return decide(self.workspace, self.request, person, approve, self.case.evidence, reason)

    def approve(self) -> Case:
        self.submit()
        self.decide("petra")
        return self.decide("owen")

    def invoke(self, *words: str):
        return CliRunner().invoke(app, [*words, "-w", str(self.workspace.root)])


@pytest.fixture
def desk(verified, tmp_path, monkeypatch) -> Desk:
    shutil.copytree(verified, tmp_path, dirs_exist_ok=True)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    workspace = Workspace(tmp_path / "workspace")
    return Desk(
        workspace, workspace.requests()[0].id, next(path.name for path in (workspace.root / "runs").glob("run-*"))
    )
