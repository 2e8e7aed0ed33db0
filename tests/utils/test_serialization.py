"""JSON serialization: round trips of all dataclasses, shipped files, and one-sentence errors for wrong values."""

import json
import math
import re
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import types
from core.errors import DamagedError, WorkspaceError
from core.types import (
    Circuit,
    Closeness,
    DirectEffect,
    Evaluation,
    Group,
    Interaction,
    Interval,
    Item,
    MemoryContrast,
    ModuleGroup,
    Outcome,
    Overlap,
    Request,
    RunSpec,
    RunState,
    RunStatus,
    Task,
    UserSplit,
    Verification,
    Worker,
)
from core.types.aliases import stored_as
from core.types.times import IsoTime
from core.utils.serialization import from_json, read_json, read_json_lines, to_json, write_json, write_json_lines
from core.workspace import WorkspaceSettings

ROOT = Path(__file__).parents[2]
SHIPPED = [
    path
    for folder in ("assets/demo", "tests/workspace/old_workspace")
    for path in sorted((ROOT / folder).rglob("*.json*"))
]
TYPES: dict[str, Any] = {
    "workspace.json": WorkspaceSettings,
    "roles.json": UserSplit,
    "spec.json": RunSpec,
    "status.json": RunStatus,
    "overlap-status.json": RunStatus,
    "forget.json": Circuit,
    "retain.json": Circuit,
    "groups.json": tuple[ModuleGroup, ...],
    "memory.json": tuple[MemoryContrast, ...],
    "toward.json": tuple[DirectEffect, ...],
    "outcome.json": Outcome,
    "overlap.json": tuple[Overlap, ...],
    "evaluation.json": Evaluation,
    "verification.json": Verification,
    "adapter_config.json": None,
    "report.json": None,
    "interactions.jsonl": Interaction,
    "items.jsonl": Item,
}


@dataclass(frozen=True, slots=True)
class Part:
    size: int
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One field for each kind of type."""

    name: str
    count: int = 0
    rate: float = 0.0
    liked: bool = False
    group: Group = Group.FORGET
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    span: tuple[int, int] = (0, 0)
    options: dict[str, dict[str, str | int | float]] = field(default_factory=dict)
    renamed: str = field(default="", metadata=stored_as("old"))


TIMES = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.just("")
KINDS = [kind for kind in vars(types).values() if hasattr(kind, "__dataclass_fields__")] + [
    WorkspaceSettings,
    Sample,
]
for one in KINDS:
    times = {each.name: TIMES if each.type is IsoTime else ... for each in fields(one)}  # `...`: by its type
    if TIMES in times.values():
        st.register_type_strategy(one, st.builds(one, **times))


def without_nan(value) -> str:
    """Return a value as text in which NaN, infinity and None are equal, as in a JSON file."""
    return re.sub(r"-?\binf\b|\bnan\b", "None", repr(value))


def test_important_dataclasses_are_covered():
    assert {Evaluation, RunStatus, Request, ModuleGroup} <= set(KINDS) and len(KINDS) > 30


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_dataclass_survives_a_round_trip(kind, data):
    value = data.draw(st.from_type(kind))
    text = json.dumps(to_json(value), allow_nan=False)
    read = from_json(kind, json.loads(text))
    assert type(read) is kind and without_nan(read) == without_nan(value)


def test_nan_is_null_in_the_file_and_is_read_as_nan(tmp_path):
    path = tmp_path / "c.json"
    write_json(path, Closeness(math.nan, 0.1, math.inf))
    assert "NaN" not in path.read_text() and json.loads(path.read_text())["residual"] is None
    read = read_json(path, Closeness)
    assert math.isnan(read.residual) and read.jsd == 0.1


def test_tuples_enums_and_optional_values_keep_their_type(tmp_path):
    status = RunStatus(RunState.FAILED, eta=None, worker=Worker("host", "boot", "", 7, 1.5))
    group = ModuleGroup("a0.h0", Group.SHARED, 0.1, 0.2, 0.3, 0.0, -0.5)
    request = Request("r", ("u1",), (("u2", "f3"),))
    for value in (status, group, request, WorkspaceSettings("w", "d", Task.NEXT_ITEM)):
        write_json(tmp_path / "v.json", value)
        read = read_json(tmp_path / "v.json", type(value))
        assert read == value and hash(read) == hash(value)
    assert isinstance(read_json(tmp_path / "v.json", WorkspaceSettings).task, Task)


def test_unknown_field_is_ignored_and_missing_field_has_default():
    assert from_json(RunSpec, {"id": "a", "request": "b", "invented": 1}) == RunSpec("a", "b")


def keeps(found: Any, before: Any) -> bool:
    """Whether `found` has every value of `before`, in order; fields that a later version added may be there too."""
    if isinstance(before, dict):
        return isinstance(found, dict) and all(
            name in found and keeps(found[name], one) for name, one in before.items()
        )
    if isinstance(before, list):
        return len(found) == len(before) and all(map(keeps, found, before))
    return type(found) is type(before) and found == before


@pytest.mark.parametrize(
    "path", [path for path in SHIPPED if path.name in TYPES or path.parent.name == "requests"], ids=str
)
def test_shipped_file_keeps_every_value_when_it_is_rewritten(path, tmp_path):
    kind = TYPES.get(path.name, Request)
    if path.suffix == ".jsonl":
        write_json_lines(tmp_path / path.name, read_json_lines(path, kind))
    else:
        write_json(tmp_path / path.name, read_json(path, kind))
    written = (tmp_path / path.name).read_text()
    if path.name == "verification.json":  # old files have `1` for `1.0`, and version 0.1.0 wrote no codes
        found, before = json.loads(written), json.loads(path.read_text())
        for one, old in zip(found["checks"], before["checks"], strict=True):
            assert {name: one[name] for name in old} == old
        assert {name: found[name] for name in before if name != "checks"} == {
            name: before[name] for name in before if name != "checks"
        }
    else:
        before = path.read_text()
        lines = (
            zip(written.splitlines(), before.splitlines(), strict=True)
            if path.suffix == ".jsonl"
            else [(written, before)]
        )
        assert all(keeps(json.loads(new), json.loads(old)) for new, old in lines)


def test_json_keeps_integers_and_fields_of_a_subclass():
    @dataclass(frozen=True)
    class Longer(Part):
        more: str = ""

    assert json.dumps(to_json(Sample("a", rate=1))).startswith('{"name": "a", "count": 0, "rate": 1, ')
    assert to_json(Sample("a", part=Longer(1, None, "b")))["part"] == {"size": 1, "share": None, "more": "b"}
    assert to_json({1: (math.nan, [math.inf], {"a": -math.inf})}) == {"1": [None, [None], {"a": None}]}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": 5}, "field name must be text, not a whole number"),
        ({"name": None}, "field name must be text, not null"),
        ({"count": "5"}, "field count must be a whole number, not text"),
        ({"count": 5.0}, "field count must be a whole number, not a decimal number"),
        ({"count": True}, "field count must be a whole number, not true or false"),
        ({"count": None}, "field count must be a whole number, not null"),
        ({"rate": "0.5"}, "field rate must be a number, not text"),
        ({"rate": False}, "field rate must be a number, not true or false"),
        ({"rate": 10**400}, "field rate: int too large to convert to float"),
        ({"liked": 1}, "field liked must be true or false, not a whole number"),
        ({"group": "forgot"}, "field group must be one of forget, retain, shared, outside, not 'forgot'"),
        ({"group": None}, "field group must be one of forget, retain, shared, outside, not null"),
        ({"part": [1]}, "field part must be an object, not a list of 1 entries"),
        ({"part": {"size": "1"}}, "field part.size must be a whole number, not text"),
        ({"part": {}}, "field part.size is missing and must be a whole number"),
        ({"parts": "abc"}, "field parts must be a list, not text"),
        ({"parts": {"size": 1}}, "field parts must be a list, not an object"),
        ({"parts": [{"size": 1}, {"size": 2, "share": ""}]}, "field parts[1].share must be a number, not text"),
        ({"span": [1]}, "field span must be a list of 2 entries, not a list of 1 entries"),
        ({"span": [1, 2, 3]}, "field span must be a list of 2 entries, not a list of 3 entries"),
        ({"span": [1, None]}, "field span[1] must be a whole number, not null"),
        ({"options": []}, "field options must be an object, not a list of 0 entries"),
        ({"options": {"slurm": 1}}, "field options['slurm'] must be an object, not a whole number"),
        (
            {"options": {"slurm": {"gpus": [1]}}},
            "field options['slurm']['gpus'] must be text or a whole number or a number, not a list of 1 entries",
        ),
        ({"old": 1}, "field old must be text, not a whole number"),
    ],
)
def test_error_for_wrong_value_names_file_field_and_type(tmp_path, change, sentence):
    path, values = tmp_path / "sample.json", {"name": "a", **change}
    path.write_text(json.dumps(values))
    with pytest.raises(WorkspaceError) as error:
        read_json(path, Sample)
    assert str(error.value) == f"{path} is damaged ({sentence}): restore it or create it again."
    with pytest.raises(WorkspaceError) as error:
        from_json(Sample, values)
    assert str(error.value) == f"A stored Sample is damaged ({sentence}): restore it or create it again."


def test_error_for_missing_field_uses_its_name_in_files():
    with pytest.raises(WorkspaceError, match=r"\(field born is missing and must be a number\)"):
        from_json(Worker, {"host": "h", "boot": "b", "space": "", "pid": 1})


@pytest.mark.parametrize("kind", [Sample, tuple[Sample, ...], dict[str, int], int])
def test_content_of_another_type_is_refused(kind):
    with pytest.raises(WorkspaceError, match=r"\(its content must be .+, not text\)"):
        from_json(kind, "text")


def test_numbers_are_read_as_the_type_of_their_field():
    read = from_json(Sample, {"name": "a", "rate": 1, "options": {"slurm": {"gpus": 1, "hours": 1.5, "queue": "q"}}})
    assert read.rate == 1.0 and type(read.rate) is float
    assert [type(value) for value in read.options["slurm"].values()] == [int, float, str]
    assert from_json(Part, {"size": 1, "share": None}) == Part(1, None)


def test_error_for_wrong_line_names_its_number(tmp_path):
    path = tmp_path / "parts.jsonl"
    write_json_lines(path, [Part(1), Part(2)])
    path.write_text(path.read_text() + '\n{"size": "3"}\n')
    with pytest.raises(WorkspaceError) as error:
        read_json_lines(path, Part)
    assert str(error.value) == (
        f"{path} is damaged (line 4: field size must be a whole number, not text): restore it or run `prepare` again."
    )


@pytest.mark.parametrize(
    "text", ["{", "", "{}", "[1]", "\x00", '{"value": "x", "low": 0, "high": 0, "n": 1}', "[" * 100_000]
)
def test_damaged_file_is_reported_in_one_sentence(tmp_path, text):
    (tmp_path / "i.json").write_text(text)
    with pytest.raises(WorkspaceError, match=r"i\.json is damaged .*\.$"):
        read_json(tmp_path / "i.json", Interval)


def test_missing_file_is_reported_in_one_sentence(tmp_path):
    with pytest.raises(WorkspaceError, match="is not there"):
        read_json(tmp_path / "none.json", Interval)
    with pytest.raises(WorkspaceError, match="is not there"):
        read_json_lines(tmp_path / "none.jsonl", Interval)


@pytest.mark.parametrize("when", ["yesterday", "2026-01-01T00:00:00", "2026-13-01T00:00:00+00:00", 7])
@pytest.mark.parametrize(("kind", "name"), [(RunStatus, "updated"), (Request, "created"), (RunSpec, "created")])
def test_time_that_cannot_be_compared_is_damage(kind, name, when):
    values = {"id": "x", "request": "y"} | {name: when}
    with pytest.raises(DamagedError, match=rf"field {name}"):
        from_json(kind, values)
    assert getattr(from_json(kind, values | {name: "2026-01-01T00:00:00Z"}), name) == "2026-01-01T00:00:00Z"
    assert getattr(from_json(kind, values | {name: ""}), name) == ""
