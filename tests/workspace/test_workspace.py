"""Workspaces: what a deletion request is refused for, and that a refusal writes nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import CureLensError, RequestError, WorkspaceError
from core.types import Interaction, Item, UserSplit
from core.utils.serialization import read_json_lines, write_json, write_json_lines
from core.workspace import Workspace, WorkspaceSettings

ROLES = UserSplit(members=("ann", "ben", "eve"), crowd=("cid",), holdout=("dan",))


@pytest.fixture
def place(tmp_path) -> Workspace:
    """Three members, one of whom has no history, one of the crowd and one of the holdout."""
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


def test_what_was_written_is_read(place):
    assert place.settings == WorkspaceSettings("small", "test") and place.user_split == ROLES
    assert place.items["f1"] == Item("f1", "Film 1", ("Drama",)) and len(place.interactions) == 12
    assert place.interactions[4] == Interaction("ben", "f1", True, 4, 4.0)


def test_a_request_is_written_once_and_found_again(place):
    opened = place.open_request(users=["ann", "ann"], interactions=[("ben", "f2")], reason="asked by letter")
    assert opened.users == ("ann",) and opened.subjects == ("ann", "ben") and opened.created
    again = Workspace(place.root)
    assert again.request(opened.id) == opened and again.requests() == (opened,)


def test_requests_stand_newest_first(place):
    ids = []
    for number in range(3):
        opened = place.open_request(users=["ann"])
        write_json(
            place.root / "requests" / f"{opened.id}.json",
            type(opened)(opened.id, opened.users, created=f"2026-01-0{number + 1}T00:00:00+00:00"),
        )
        ids.append(opened.id)
    assert [request.id for request in place.requests()] == ids[::-1]


REFUSALS = {
    "nobody": ({}, "names nobody"),
    "unknown user": ({"users": ["zoe"]}, "User 'zoe' is not in this workspace"),
    "one of the crowd": ({"users": ["ann", "cid"]}, "User 'cid' never trained"),
    "one of the holdout": ({"interactions": [("dan", "f0")]}, "User 'dan' never trained"),
    "unknown pair": ({"interactions": [("ann", "f9")]}, "User 'ann' has no interaction with item 'f9'"),
    "unknown user of a pair": ({"interactions": [("zoe", "f0")]}, "User 'zoe' is not in this workspace"),
    "empty history": ({"users": ["eve"]}, "User 'eve' has an empty history"),
    "everyone": ({"users": ["ann", "ben", "eve"]}, "covers all 3 users"),
    "everyone with a history": ({"users": ["ann", "ben"]}, "covers all 3 users"),
    "everyone by pairs": (
        {"users": ["ann"], "interactions": [("ben", f"f{n}") for n in range(3)]},
        "covers all 3 users",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_request_that_cannot_be_served_is_refused_in_one_sentence_and_writes_nothing(place, name):
    asked, reason = REFUSALS[name]
    before = files(place.root)
    with pytest.raises(RequestError) as error:
        place.open_request(**asked)
    message = str(error.value)
    assert reason in message and message.endswith(".") and "\n" not in message and ". " not in message
    assert files(place.root) == before


def test_everything_of_all_but_one_can_be_asked_for(place):
    pairs = [("ben", "f0"), ("ben", "f1")]
    assert place.open_request(users=["ann"], interactions=pairs).interactions == tuple(pairs)


@pytest.mark.parametrize("id_", ["req-000000", "../workspace", "", "a/b", "req-1.json"])
def test_a_request_that_is_not_there(place, id_):
    opened = place.open_request(users=["ann"])
    with pytest.raises(RequestError, match=f"is not in this workspace: choose one of {opened.id}"):
        place.request(id_)


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path):
    with pytest.raises(WorkspaceError, match="is not a workspace: make one with `python -m core prepare"):
        Workspace(tmp_path)


@pytest.mark.parametrize("line", ["{", '{"id": "x"}'])
def test_a_damaged_data_file_is_one_sentence(place, line):
    (place.root / "data/items.jsonl").write_text(line + "\n")
    with pytest.raises(WorkspaceError, match=r"items\.jsonl is damaged"):
        _ = place.items


def test_a_missing_data_file_says_what_to_run(tmp_path):
    with pytest.raises(CureLensError, match="run `prepare` again"):
        read_json_lines(tmp_path / "none.jsonl", Item)


def test_a_model_inside_the_workspace_wins_over_a_hub_id(place):
    (place.root / "base").mkdir()
    assert place.base == str(place.root / "base")
    write_json(place.root / "workspace.json", replace(place.settings, base="org/model"))
    assert Workspace(place.root).base == "org/model"


def test_references_stand_by_seed_and_only_when_finished(place):
    for seed in (10, 2, 1):
        write_json(place.root / f"references/r/seed-{seed}/adapter_model.safetensors", "weights")
    (place.root / "references/r/seed-3").mkdir()
    assert [folder.name for folder in place.reference_folders("r")] == ["seed-1", "seed-2", "seed-10"]
    assert place.reference_folders("other") == ()
