"""What concerns one person reads the rows of that person, and never goes through all rows."""

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.data.interaction_store import InteractionStore
from core.errors import ReviewError
from core.review.decisions import _check_reason
from core.runs.rows_needed import rows_needed
from core.runs.submit import check_job
from core.workspace import Workspace


@pytest.fixture
def guarded(workspace, monkeypatch) -> Workspace:
    """A workspace whose interactions cannot be gone through."""

    def read_all(self):
        raise AssertionError("all interactions are read")

    monkeypatch.setattr(InteractionStore, "__iter__", read_all)
    return workspace


def test_request_and_the_checks_of_a_run_read_one_persons_rows(guarded, monkeypatch):
    user, other = guarded.user_split.training_users[:2]
    item = guarded.interactions.of_users([other])[0].item
    read, made = [], InteractionStore._interactions

    def counted(self, query, *parameters):
        for event in made(self, query, *parameters):
            read.append(event)
            yield event

    monkeypatch.setattr(InteractionStore, "_interactions", counted)
    for options in (["--users", user], ["--interactions", f"{other}:{item}"]):
        result = CliRunner().invoke(app, ["request", "--workspace", str(guarded.root), *options])
        assert result.exit_code == 0, result.output
    for request in Workspace(guarded.root).requests():
        check_job(guarded, request.id, "cpu")
        assert rows_needed(guarded, [request]).rows > 0
    assert {event.user for event in read} == {user, other}


def test_reason_of_a_decision_is_checked_without_reading_rows(guarded):
    user = guarded.user_split.training_users[0]
    with pytest.raises(ReviewError, match="names a user"):
        _check_reason(guarded, f"So wrote {user} to us.")
    _check_reason(guarded, "So they wrote to us.")
