"""Ids that become paths: an id in a file that somebody changed leads nowhere outside the workspace."""

import shutil

import pytest

from core.errors import CureLensError, RequestError, WorkspaceError
from core.runs.handle import open_run, runs
from core.runs.submit import create_run
from core.types import ClosedRequest
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout

HOSTILE = ["../../x", "a/b", "..", "", ".", "a\\b", "/etc/x", "a\n", "x" * 9 + "/..", "-rf", "x" * 300, "ä" * 51]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_path_is_made_of_an_id_that_is_no_plain_word(tmp_path, name):
    layout = WorkspaceLayout(tmp_path)
    paths = (
        layout.request, layout.closed, layout.references, layout.training, layout.run,
        layout.approved_adapter, lambda id: layout.reference(id, 1), lambda id: layout.vault(id, 1),
    )  # fmt: skip
    for path in paths:
        with pytest.raises(WorkspaceError, match="no plain word"):
            path(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_requests_and_runs_of_such_ids_are_not_found(workspace, name):
    with pytest.raises(RequestError, match="not in this workspace"):
        workspace.request(name)
    with pytest.raises(CureLensError, match="not in this workspace"):
        open_run(workspace, name)


@pytest.mark.parametrize("name", ["../../x", "req-other"])
@pytest.mark.parametrize("kind", ["request", "closed", "run"])
def test_file_that_holds_another_id_than_its_path_is_refused(workspace, kind, name):
    request = workspace.requests()[0].id
    if kind == "run":
        path = create_run(workspace, request, "uniform", "cpu").layout.spec
        read = lambda: runs(Workspace(workspace.root))  # noqa: E731
    else:
        path = getattr(workspace.layout, kind)(request)
        read = workspace.requests if kind == "request" else workspace.closed
        if kind == "closed":
            path.parent.mkdir(exist_ok=True)
            write_json(
                path, ClosedRequest(request, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "run-0", 1, 1, 1, "digest")
            )
    assert len(read()) and not read().damaged
    write_json(path, read_json(path) | {"id": name})
    (sentence,) = read().damaged
    assert "not that of its path" in sentence and str(path) in sentence
    with pytest.raises(WorkspaceError, match="not that of its path"):
        read().whole()


def test_run_of_a_request_outside_is_refused(workspace):
    path = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu").layout.spec
    write_json(path, read_json(path) | {"request": "../../x"})
    with pytest.raises(WorkspaceError, match="no plain word"):
        runs(Workspace(workspace.root)).whole()


def test_batch_with_a_member_outside_reads_and_removes_nothing_there(workspace, tmp_path):
    from core.review.evidence_digest import evidence_of

    request = workspace.requests()[0]
    outside = tmp_path / "x.json"
    shutil.copyfile(workspace.layout.request(request.id), outside)
    run = create_run(workspace, request.id, "uniform", "cpu")
    path = workspace.layout.request(request.id)
    write_json(path, read_json(path) | {"members": ["../../x"]})
    with pytest.raises(WorkspaceError, match="no plain word"):
        evidence_of(workspace, run)
    assert outside.is_file()
