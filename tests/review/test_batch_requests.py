"""Batches as requests: what they cover, how they are made and dissolved, and what is refused."""

import shutil
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import RequestError
from core.review.batches import check_free, open_batch
from core.review.permissions import openers
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.utils.serialization import write_json
from core.workspace import Workspace


def test_who_opened_a_member_does_not_decide_on_its_batch(workspace):
    users = workspace.user_split.training_users
    first, second = (
        open_request(workspace, users=(user,), opened_by=by) for user, by in zip(users[:2], "ab", strict=True)
    )
    batch = open_batch(workspace, (first.id, second.id), opened_by="c")
    assert openers(workspace, batch.id) == {"a", "b", "c"}


def test_batch_counts_overlaps_once_and_takes_the_first_due_date(workspace):
    user, other = workspace.user_split.training_users[:2]
    rows = [(one.user, one.item) for one in workspace.interactions if one.user in (user, other)]
    first = open_request(workspace, interactions=rows)
    second = open_request(workspace, users=(user,))
    third = open_request(workspace, users=(user,))
    write_json(workspace.layout.request(third.id), replace(third, created="2026-01-01T00:00:00+00:00"))
    batch = open_batch(workspace, (second.id, first.id, third.id))
    assert batch.users == (user,) and set(batch.interactions) == {pair for pair in rows if pair[0] == other}
    assert batch.due == "2026-01-31T00:00:00+00:00" < first.due
    assert Workspace(workspace.root).request(batch.id) == batch


def test_batches_that_cannot_be_made_say_why(workspace):
    users = workspace.user_split.training_users
    first, second = (open_request(workspace, users=(user,)).id for user in users[:2])
    refused = {
        "at least two": ([first, first], ""),
        "is not in this workspace": ([first, "req-no"], ""),
        "no plain word": ([first, second], "../x"),
        "is taken": ([first, second], first),
        "names a user": ([first, second], f"batch-{users[0]}"),
        "covers all": ([first, open_request(workspace, users=users[1:]).id], ""),
    }
    before = workspace.requests()
    for message, (members, name) in refused.items():
        with pytest.raises(RequestError, match=message):
            open_batch(workspace, members, name)
    assert workspace.requests() == before
    batch = open_batch(workspace, (first, second))
    with pytest.raises(RequestError, match="is a batch itself"):
        open_batch(workspace, (batch.id, first))


def test_id_that_begins_with_the_id_of_another_batch_is_free(workspace):
    members = [open_request(workspace, users=(user,)).id for user in workspace.user_split.training_users[:4]]
    open_batch(workspace, members[:2], "batch-2026-1")
    assert open_batch(workspace, members[2:], "batch-2026-11").id == "batch-2026-11"


@pytest.mark.parametrize("name", ["all-of-{}", "{}_and_more", "{}-{}"])
def test_id_that_names_a_request_is_refused(workspace, name):
    members = [open_request(workspace, users=(user,)).id for user in workspace.user_split.training_users[:2]]
    with pytest.raises(RequestError, match="names request"):
        open_batch(workspace, members, name.format(*members, members[0]))


def test_batch_without_a_run_is_dissolved_by_the_command(workspace):
    members = [open_request(workspace, users=(user,)).id for user in workspace.user_split.training_users[:2]]
    batch, folder = open_batch(workspace, members, "batch-2026-1"), workspace.layout.reference("batch-2026-1", 101)
    shutil.copytree(workspace.adapter, folder)
    place = ["-w", str(workspace.root)]
    refused = CliRunner().invoke(app, ["reference", *place, "-r", members[0], "--device", "cpu"])
    assert "dissolve it with" in str(refused.exception) and not workspace.reference_folders(members[0])
    run = create_run(workspace, batch.id, "uniform", "cpu")
    dissolve = ["dissolve", *place, "--request", batch.id]
    assert f"has run {run.id!r}" in str(CliRunner().invoke(app, dissolve).exception) and folder.is_dir()
    run.request_cancel()
    result = CliRunner().invoke(app, dissolve)
    assert result.exit_code == 0 and ", ".join(members) in result.output
    assert {*members} <= {one.id for one in workspace.requests()} and not folder.parent.exists()
    assert not workspace.layout.request(batch.id).exists() and not run.path.exists()
    for member in members:
        check_free(workspace, member)
    assert "is no batch" in str(CliRunner().invoke(app, [*dissolve[:-1], members[0]]).exception)


def test_command_makes_a_batch_and_refuses_options_of_single_requests(workspace):
    users = workspace.user_split.training_users
    names = ",".join(open_request(workspace, users=(user,)).id for user in users[:2])

    def request(*words):
        return CliRunner().invoke(app, ["request", "-w", str(workspace.root), *words])

    assert "leave out --users" in str(request("--batch", names, "--users", users[2]).exception)
    assert "name its requests with --batch" in str(request("--id", "batch-x", "--users", users[2]).exception)
    made = request("--batch", names, "--id", "batch-2026-11")
    assert made.exit_code == 0 and "Request batch-2026-11 is open" in made.output
    assert ",".join(workspace.request("batch-2026-11").members) == names
    member = ["-w", str(workspace.root), "-r", names.split(",")[0], "--device", "cpu"]
    for command in (["run"], ["verify", "--adapter", str(workspace.adapter)]):
        assert "is in batch 'batch-2026-11'" in str(CliRunner().invoke(app, [*command, *member]).exception)
