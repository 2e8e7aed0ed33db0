"""Databases of ours: a file with tables, indexes, triggers or views of others is refused, and named by doctor."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from core.errors import WorkspaceError
from core.review import cases
from core.runs import store
from core.utils.sqlite import Database

FOREIGN = {
    "table": "CREATE TABLE foreign_one (user TEXT)",
    "index": "CREATE INDEX foreign_one ON cases (body)",
    "trigger": "CREATE TRIGGER foreign_one AFTER UPDATE ON cases BEGIN DELETE FROM cases; END",
    "view": "CREATE VIEW foreign_one AS SELECT * FROM cases",
}
REPLACED = "DROP TABLE cases; CREATE TABLE cases (number, request, state, body)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with opened(tmp_path / "a.sqlite").changing():
        return tmp_path / "a.sqlite"


def opened(path: Path) -> Database:
    return Database(path, cases.SCHEMA, "DELETE")


def change(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


@pytest.mark.parametrize("kind", FOREIGN)
def test_object_of_others_is_refused_and_named(path: Path, kind: str) -> None:
    change(path, FOREIGN[kind])
    assert f"its {kind} 'foreign_one' was not made by CURE Lens" in opened(path).flaws()[0]
    with pytest.raises(WorkspaceError, match=f"its {kind} 'foreign_one' was not made"), opened(path).opened():
        raise AssertionError


def test_table_of_ours_that_was_made_in_another_way_is_refused(path: Path) -> None:
    change(path, REPLACED)
    assert "its table 'cases' was not made" in opened(path).flaws()[0]
    with pytest.raises(WorkspaceError, match="its table 'cases' was not made"), opened(path).opened():
        raise AssertionError


def test_object_that_is_added_while_the_file_is_open_is_refused_at_the_next_change(path: Path) -> None:
    own = opened(path)
    with own.opened():
        change(path, FOREIGN["trigger"])
    with pytest.raises(WorkspaceError, match="its trigger 'foreign_one' was not made"), own.changing():
        raise AssertionError
    change(path, "DROP TRIGGER foreign_one")
    with own.changing():
        assert not own.flaws()


def test_file_with_the_first_table_only_gets_what_later_versions_added(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    change(path, store.SCHEMA.split(";")[0])
    own = Database(path, store.SCHEMA, "WAL")
    assert not own.flaws()
    with own.changing() as database:
        assert database.execute("SELECT count(*) FROM handed_over").fetchone()[0] == 0


def test_empty_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").touch()
    assert "it is empty" in opened(tmp_path / "a.sqlite").flaws()[0]
