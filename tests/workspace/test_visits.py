"""Visits: when one began, whose it is, and that the page works where nothing can be written."""

from datetime import UTC, datetime, timedelta

import pytest

from core.workspace import Workspace
from core.workspace.visits import record_visit

START = datetime(2026, 1, 1, 9, tzinfo=UTC)


def at(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).isoformat()


def test_first_visit_has_none_before_it(workspace: Workspace) -> None:
    assert record_visit(workspace, "petra", at(0)) == record_visit(workspace, "petra", at(29)) == ""


def test_visit_before_ends_with_its_last_page(workspace: Workspace) -> None:
    """Pages drawn in quick succession are one visit, so a reload does not hide what changed."""
    for minutes in (0, 20, 40):
        record_visit(workspace, "petra", at(minutes))
    assert record_visit(workspace, "petra", at(100)) == at(40)
    assert record_visit(workspace, "petra", at(110)) == at(40)
    assert record_visit(workspace, "petra", at(200)) == at(110)


def test_visits_of_people_are_apart_and_name_nobody(workspace: Workspace) -> None:
    record_visit(workspace, "petra", at(0))
    assert record_visit(workspace, "owen", at(90)) == ""
    assert record_visit(workspace, "petra", at(90)) == at(0)
    files = list((workspace.root / "visits").iterdir())
    assert len(files) == 2
    assert not any("petra" in path.name or "petra" in path.read_text() for path in files)


def test_file_in_place_of_the_folder_counts_as_a_first_visit(workspace: Workspace) -> None:
    (workspace.root / "visits").write_text("no folder")
    assert record_visit(workspace, "petra", at(0)) == ""


def test_read_only_workspace_counts_as_a_first_visit(workspace: Workspace) -> None:
    record_visit(workspace, "", at(0))
    with pytest.MonkeyPatch.context() as patch:

        def refuse(*_: object) -> None:
            raise OSError("read-only file system")

        patch.setattr("core.workspace.visits.write_json", refuse)
        assert record_visit(workspace, "", at(90)) == ""
