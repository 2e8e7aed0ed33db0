"""Files: every dataclass of the flow survives the way to disk and back, and a failed write leaves the old file."""

import errno
import json
import math
import os
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import types
from core.errors import WorkspaceError
from core.types import (
    Closeness,
    Evaluation,
    Group,
    Interval,
    ModuleGroup,
    Request,
    RunSpec,
    RunState,
    RunStatus,
    Task,
    UserSplit,
    Worker,
)
from core.utils.atomic_io import write_text
from core.utils.serialization import from_json, read_json, to_json, write_json
from core.workspace import WorkspaceSettings

KINDS = [kind for kind in vars(types).values() if hasattr(kind, "__dataclass_fields__")] + [
    UserSplit,
    WorkspaceSettings,
]


def blurred(value) -> str:
    """A value as text where everything that a file writes as null looks alike."""
    return re.sub(r"-?\binf\b|\bnan\b", "None", repr(value))


def test_every_kind_of_the_flow_is_covered():
    assert {Evaluation, RunStatus, Request, ModuleGroup} <= set(KINDS) and len(KINDS) > 18


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_what_is_written_comes_back(kind, data):
    value = data.draw(st.from_type(kind))
    text = json.dumps(to_json(value), allow_nan=False)
    again = from_json(kind, json.loads(text))
    assert type(again) is kind and blurred(again) == blurred(value)


def test_not_a_number_is_null_in_the_file_and_nan_again(tmp_path):
    path = tmp_path / "c.json"
    write_json(path, Closeness(math.nan, 0.1, math.inf))
    assert "NaN" not in path.read_text() and json.loads(path.read_text())["residual"] is None
    again = read_json(path, Closeness)
    assert math.isnan(again.residual) and again.jsd == 0.1


def test_tuples_enums_and_options_keep_their_kind(tmp_path):
    status = RunStatus(RunState.FAILED, eta=None, worker=Worker("host", "boot", "", 7, 1.5))
    group = ModuleGroup("a0.h0", Group.SHARED, 0.1, 0.2, 0.3, 0.0, -0.5)
    request = Request("r", ("u1",), (("u2", "f3"),))
    for value in (status, group, request, WorkspaceSettings("w", "d", Task.NEXT_ITEM)):
        write_json(tmp_path / "v.json", value)
        again = read_json(tmp_path / "v.json", type(value))
        assert again == value and hash(again) == hash(value)
    assert isinstance(read_json(tmp_path / "v.json", WorkspaceSettings).task, Task)


def test_a_field_of_a_newer_writer_is_ignored_and_a_default_fills_in():
    assert from_json(RunSpec, {"id": "a", "request": "b", "invented": 1}) == RunSpec("a", "b")


@pytest.mark.parametrize("text", ["{", "", "{}", "[1]", "\x00", '{"value": "x", "low": 0, "high": 0, "n": 1}'])
def test_a_damaged_file_is_one_sentence(tmp_path, text):
    (tmp_path / "i.json").write_text(text)
    with pytest.raises(WorkspaceError, match=r"i\.json is damaged .*\.$"):
        read_json(tmp_path / "i.json", Interval)


def test_a_missing_file_is_one_sentence(tmp_path):
    with pytest.raises(WorkspaceError, match="is not there"):
        read_json(tmp_path / "none.json", Interval)


@pytest.mark.parametrize("place", ["fsync", "replace", "fdopen"])
@pytest.mark.parametrize("old", [None, "old\n"])
def test_a_full_disk_is_one_sentence_and_leaves_what_was_there(tmp_path, monkeypatch, place, old):
    path = tmp_path / "new" / "file.json"
    if old:
        write_text(path, old)

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, place, full)
    with pytest.raises(WorkspaceError, match=r"^The disk that holds \S+ is full: free some space and try again\.$"):
        write_text(path, "half of it")
    monkeypatch.undo()
    assert [file.name for file in path.parent.iterdir()] == (["file.json"] if old else [])
    assert not old or path.read_text() == old


def test_any_other_refusal_names_the_file(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match=r"x\.json cannot be written \(.+\): check the folder"):
        write_text(tmp_path / "file" / "x.json", "text")


def test_an_interrupted_write_leaves_nothing_beside_the_old_file(tmp_path, monkeypatch):
    write_text(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_text(tmp_path / "a", "new")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("a", "old")]
