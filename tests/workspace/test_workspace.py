"""Workspaces: stored data, deletion requests, and refusals that write no files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import CureLensError, RequestError, WorkspaceError
from core.runs.requests import open_request
from core.types import Interaction, Item, UserSplit
from core.utils.serialization import read_json_lines, write_json, write_json_lines
from core.workspace import Workspace, WorkspaceSettings

ROLES = UserSplit(training_users=("ann", "ben", "eve"), base_users=("cid",), held_out_users=("dan",))


@pytest.fixture
def small_workspace(tmp_path) -> Workspace:
    """Three training users (one without history), one user of the base model, and one held-out user."""
    events = [
        Interaction(user, item, True, time, 4.0)
        for time, (user, item) in enumerate((u, f"f{n}") for u in ("ann", "ben", "cid", "dan") for n in range(3))
    ]
    write_json(tmp_path / "workspace.json", WorkspaceSettings("small", "test"))
    write_json_lines(tmp_path / "data/items.jsonl", [Item(f"f{n}", f"Film {n}", ("Drama",)) for n in range(3)])
    write_json_lines(tmp_path / "data/interactions.jsonl", events)
    write_json(tmp_path / "data/roles.json", ROLES)
    return Workspace(tmp_path)


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.is_file()}


def test_written_workspace_is_read(small_workspace):
    assert small_workspace.settings == WorkspaceSettings("small", "test") and small_workspace.user_split == ROLES
    assert small_workspace.items["f1"] == Item("f1", "Film 1", ("Drama",)) and len(small_workspace.interactions) == 12
    assert list(small_workspace.interactions)[4] == Interaction("ben", "f1", True, 4, 4.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window", 0), ("window", -1), ("epochs", 0), ("learning_rate", 0), ("learning_rate", None),
        ("learning_rate", float("inf")), ("rank", 0), ("batch_size", 0), ("average", 1.0), ("average", None),
        ("adapter_dtype", "float8"), ("seed", 2**70), ("seed", -1), ("ranking_titles", -5), ("forgotten_share", 1),
    ],
)  # fmt: skip
def test_setting_out_of_its_range_is_named_with_its_mend(small_workspace, name, value):
    path = small_workspace.layout.settings
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(WorkspaceError, match=rf"^{name} in .*workspace\.json is \S+: choose .*\.$"):
        _ = Workspace(small_workspace.root).settings


def test_request_is_written_and_read(small_workspace):
    opened = open_request(small_workspace, users=["ann", "ann"], interactions=[("ben", "f2")], reason="asked by letter")
    assert opened.users == ("ann",) and opened.subjects == ("ann", "ben") and opened.created
    reopened = Workspace(small_workspace.root)
    assert reopened.request(opened.id) == opened and reopened.requests() == (opened,)


def test_requests_are_sorted_newest_first(small_workspace):
    ids = []
    for number in range(3):
        opened = open_request(small_workspace, users=["ann"])
        write_json(
            small_workspace.root / "requests" / f"{opened.id}.json",
            type(opened)(opened.id, opened.users, created=f"2026-01-0{number + 1}T00:00:00+00:00"),
        )
        ids.append(opened.id)
    assert [request.id for request in small_workspace.requests()] == ids[::-1]


REFUSALS = {
    "no user": ({}, "names nobody"),
    "unknown user": ({"users": ["zoe"]}, "User 'zoe' is not in this workspace"),
    "user of the base model": ({"users": ["ann", "cid"]}, "User 'cid' never trained"),
    "held-out user": ({"interactions": [("dan", "f0")]}, "User 'dan' never trained"),
    "unknown interaction": ({"interactions": [("ann", "f9")]}, "User 'ann' has no interaction with item 'f9'"),
    "interaction of an unknown user": ({"interactions": [("zoe", "f0")]}, "User 'zoe' is not in this workspace"),
    "empty history": ({"users": ["eve"]}, "User 'eve' has an empty history"),
    "all users": ({"users": ["ann", "ben", "eve"]}, "covers all 3 users"),
    "all users with a history": ({"users": ["ann", "ben"]}, "covers all 3 users"),
    "all users by interactions": (
        {"users": ["ann"], "interactions": [("ben", f"f{n}") for n in range(3)]},
        "covers all 3 users",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_invalid_request_is_refused_and_writes_nothing(small_workspace, name):
    arguments, reason = REFUSALS[name]
    before = files(small_workspace.root)
    with pytest.raises(RequestError) as error:
        open_request(small_workspace, **arguments)
    message = str(error.value)
    assert reason in message and message.endswith(".") and "\n" not in message and ". " not in message
    assert files(small_workspace.root) == before


def test_request_may_leave_a_single_interaction(small_workspace):
    pairs = [("ben", "f0"), ("ben", "f1")]
    assert open_request(small_workspace, users=["ann"], interactions=pairs).interactions == tuple(pairs)


@pytest.mark.parametrize("id_", ["req-000000", "../workspace", "", "a/b", "req-1.json"])
def test_unknown_request_is_refused(small_workspace, id_):
    opened = open_request(small_workspace, users=["ann"])
    with pytest.raises(RequestError, match=f"is not in this workspace: choose one of {opened.id}"):
        small_workspace.request(id_)


def test_error_for_other_folder_names_the_prepare_command(tmp_path):
    with pytest.raises(
        WorkspaceError,
        match="is not a workspace, as it holds no workspace.json: restore that file, or make a workspace with `python -m core prepare",
    ):
        Workspace(tmp_path)


@pytest.mark.parametrize("line", ["{", '{"id": "x"}'])
def test_damaged_data_file_is_reported_in_one_sentence(small_workspace, line):
    (small_workspace.root / "data/items.jsonl").write_text(line + "\n")
    with pytest.raises(WorkspaceError, match=r"items\.jsonl is damaged"):
        _ = small_workspace.items


def test_error_for_missing_data_file_names_the_prepare_command(tmp_path):
    with pytest.raises(CureLensError, match="run `prepare` again"):
        read_json_lines(tmp_path / "none.jsonl", Item)


def test_model_in_the_workspace_is_used_before_a_hub_id(small_workspace):
    (small_workspace.root / "base").mkdir()
    assert small_workspace.base == str(small_workspace.root / "base")
    write_json(small_workspace.root / "workspace.json", replace(small_workspace.settings, base="org/model"))
    assert Workspace(small_workspace.root).base == "org/model"


@pytest.mark.parametrize("name", ["seed-x", "seed-", "seed-1-2", "seed--1"])
def test_folder_with_an_odd_name_is_no_reference(small_workspace, name):
    folder = small_workspace.layout.references("req-1") / name
    folder.mkdir(parents=True)
    (folder / "adapter_model.safetensors").touch()
    assert small_workspace.reference_folders("req-1") == ()


def test_finished_references_are_sorted_by_seed(small_workspace):
    for seed in (10, 2, 1):
        write_json(small_workspace.root / f"references/r/seed-{seed}/adapter_model.safetensors", "weights")
    (small_workspace.root / "references/r/seed-3").mkdir()
    assert [folder.name for folder in small_workspace.reference_folders("r")] == ["seed-1", "seed-2", "seed-10"]
    assert small_workspace.reference_folders("other") == ()
