"""Commands on damaged files of a workspace end with a sentence, never with a traceback."""

import json
from dataclasses import replace

import pytest

from core.cli.workspace_checks import check_workspace
from core.errors import CureLensError
from core.review.cases import Cases
from core.workspace import Workspace

LONG = "x" * 300  # longer than any file system takes
COLUMNS = {"row": None, "user": [1], "item": [1], "time": float("nan")}


def ends_in_a_sentence(desk, *words):
    found = desk.invoke(*words)
    assert isinstance(found.exception, CureLensError | SystemExit | None), repr(found.exception)


def problems(desk):
    desk.workspace.root.chmod(0o700)
    return [one for one in check_workspace(Workspace(desk.workspace.root)) if not one.ok]


def edit(path, **change):
    path.write_text(json.dumps(json.loads(path.read_text()) | change))


@pytest.mark.parametrize("command", [["verify"], ["review", "submit"], ["overlap"], ["resume"]])
def test_run_of_a_request_with_a_long_id(desk, command):
    edit(desk.workspace.layout.run(desk.run).spec, request=LONG)
    ends_in_a_sentence(desk, *command, "--run", desk.run, "--as", "olaf")
    assert any(one.name == f"runs/{desk.run}/spec.json" for one in problems(desk))


@pytest.mark.parametrize(
    "command",
    [
        ["estimate", "--device", "cpu", "--request"],
        ["run", "--device", "cpu", "--as", "olaf", "--request"],
        ["dissolve", "--as", "olaf", "--request"],
    ],
)
def test_batch_with_a_member_of_a_long_id(desk, command):
    edit(desk.workspace.layout.request(desk.request), members=[LONG])
    ends_in_a_sentence(desk, *command, desk.request)
    ends_in_a_sentence(desk, "ledger", "confirm")
    assert problems(desk)


@pytest.mark.parametrize("field", ["run", "request"])
def test_case_with_a_long_id(desk, field):
    case = desk.submit()
    Cases(desk.workspace).change(case.number, lambda one: replace(one, **{field: LONG}))
    own = ["--request", desk.request]
    decision = ["decide", *own, "--approve", "--evidence", case.evidence, "--as", "petra"]
    for words in (["show", *own], ["settle"], decision):
        ends_in_a_sentence(desk, "review", *words)
    problems(desk)


def test_long_id_on_the_command_line(desk):
    ends_in_a_sentence(desk, "review", "submit", "--run", LONG, "--as", "olaf")
    ends_in_a_sentence(desk, "run", "--request", LONG, "--as", "olaf")


@pytest.mark.parametrize("column", COLUMNS)
def test_interactions_with_a_column_of_another_type(desk, column):
    import pyarrow as pa
    from pyarrow import parquet

    path, user = desk.workspace.layout.interactions, desk.workspace.user_split.training_users[-1]
    table = parquet.read_table(path)
    other = pa.array([COLUMNS[column]] * len(table))
    parquet.write_table(table.set_column(table.column_names.index(column), column, other), path)
    ends_in_a_sentence(desk, "estimate", "--request", desk.request, "--device", "cpu")
    ends_in_a_sentence(desk, "review", "submit", "--run", desk.run, "--as", "olaf")
    ends_in_a_sentence(desk, "request", "--users", user, "--as", "rita")
    assert any(
        one.name == "data/interactions.parquet" and f"column {column} is" in one.detail for one in problems(desk)
    )
