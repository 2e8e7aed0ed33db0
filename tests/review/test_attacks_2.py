"""Attacks on facts of the ledger, batches, comparisons, odd files and odd texts: each is refused, or changes nothing."""

import os
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import CureLensError, LedgerError, RequestError, ReviewError, RunError
from core.ledger import keys
from core.models.validation import read_config
from core.review import execution
from core.review.batches import dissolve, open_batch
from core.review.vault import Vault
from core.runs.cancel import cancel
from core.runs.handle import RunHandle, open_run
from core.runs.ledger import OVERLAP, REQUEST, last_fact, open_ledger
from core.runs.list_overlap import write_overlaps
from core.runs.requests import check_opened, open_request, write_marked
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


def others(desk):
    """The training users whom the request does not name."""
    own = desk.workspace.request(desk.request).users
    return [one for one in desk.workspace.user_split.training_users if one not in own]


def test_batch_whose_members_somebody_removed_does_not_become_a_single_request(desk):
    """Else the people who opened its members could decide on it."""
    members = [open_request(desk.workspace, users=[one], opened_by="owen").id for one in others(desk)[:2]]
    batch = open_batch(desk.workspace, members, opened_by="rita")
    desk.approve()
    for name in members:
        desk.workspace.layout.request(name).unlink()
    execution.execute_decisions(desk.workspace)
    assert Workspace(desk.workspace.root).request(batch.id).members == tuple(members)


def test_requests_are_as_they_were_where_a_deletion_is_rolled_back(desk, monkeypatch):
    left = others(desk)[0]
    shared = desk.workspace.request(desk.request).users[0]
    second = open_request(desk.workspace, users=(shared, left), opened_by="rita")
    file, smaller = desk.workspace.layout.request(second.id), []
    desk.approve()

    def fails(_execution):
        smaller.append(file.read_bytes())
        raise ReviewError("Forgotten data is still in x: remove it.")

    with monkeypatch.context() as patch, pytest.raises(ReviewError, match="was taken back"):
        patch.setattr(execution, "STEPS", (*execution.STEPS[:3], fails, *execution.STEPS[4:]))
        execution.execute_decisions(desk.workspace)
    check_opened(desk.workspace, second)
    assert desk.workspace.request(second.id) == second
    file.write_bytes(smaller[0])
    with pytest.raises(RequestError, match="is not signed as it stands"):
        check_opened(desk.workspace, desk.workspace.request(second.id))


def test_rolled_back_deletion_does_not_sign_an_earlier_version_again(desk):
    """A request that named somebody by mistake was corrected; its earlier file lies there when a deletion fails."""
    forgotten, other = desk.workspace.request(desk.request).users[0], others(desk)[0]
    first = open_request(desk.workspace, users=[forgotten, other], opened_by="rita")
    file = desk.workspace.layout.request(first.id)
    earlier = file.read_bytes()
    corrected = write_marked(desk.workspace, replace(first, users=(other,)))
    desk.approve()
    file.write_bytes(earlier)
    (desk.workspace.root / "notes.txt").write_text(f"user {forgotten}")
    with pytest.raises(ReviewError, match="was taken back"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert last_fact(open_ledger(desk.workspace), REQUEST, first.id) == corrected.mark


@pytest.mark.parametrize("which", ["run", "original", "reference"])
def test_lists_are_compared_by_the_adapters_that_were_signed(desk, which):
    """One is exchanged while the lists are compared, and put back."""
    run, workspace = open_run(desk.workspace, desk.run), desk.workspace
    reference = workspace.reference_folders(desk.request)[0]
    folder = {"run": run.layout.adapter, "original": workspace.adapter, "reference": reference}[which]
    other = workspace.adapter if which != "original" else run.layout.adapter
    AdapterLayout(folder).weights.write_bytes(AdapterLayout(other).weights.read_bytes())
    with pytest.raises(RunError, match="is not the one that the ledger holds"):
        write_overlaps(run, "cpu")
    assert not open_ledger(workspace).facts(OVERLAP, run.id)


def test_run_that_was_stopped_after_its_entry_is_not_submitted(desk, monkeypatch):
    monkeypatch.setattr(RunHandle, "request_cancel", lambda _run: None)
    cancel(open_run(desk.workspace, desk.run), "olaf")
    with pytest.raises(ReviewError, match="was stopped by a person"):
        desk.submit()


@pytest.mark.parametrize("reason", [b"\xff", b"\\ud800"])
def test_standard_input_that_is_no_text_opens_nothing(desk, reason):
    entries = len(open_ledger(desk.workspace).statements())
    wanted = b'{"users": ["%s"], "reason": "%s"}' % (others(desk)[0].encode(), reason)
    command = ["request", "-w", str(desk.workspace.root), "--stdin", "--as", "rita"]
    assert isinstance(CliRunner().invoke(app, command, input=wanted).exception, CureLensError)
    assert len(open_ledger(desk.workspace).statements()) == entries


def test_half_a_character_of_the_command_line_is_refused(desk):
    with pytest.raises(CureLensError, match="half a character"):
        open_request(desk.workspace, users=others(desk)[:1], reason="\udcff", opened_by="rita")
    desk.submit()
    with pytest.raises(LedgerError, match="cannot be signed"):
        desk.decide("petra", approve=False, reason="\udcff")


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u202e", "\ufe0f", "\u00a0"])
def test_confirm_shows_what_cannot_be_seen(desk, hidden):
    """A twin of rita would let her launch a run of her own request."""
    file = desk.workspace.layout.request(desk.request)
    write_json(file, read_json(file) | {"by": f"ri{hidden}ta"})
    settings = desk.workspace.layout.settings
    write_json(settings, read_json(settings) | {"launcher": f"lo{hidden}cal"})
    shown = desk.invoke("ledger", "confirm").stdout
    assert all(f"{start}\\u{ord(hidden):04x}{end}" in shown for start, end in (("ri", "ta"), ("lo", "cal")))


@pytest.mark.parametrize("name", ["ledger", "ledger_key"])
def test_pipe_in_place_of_the_ledger_or_its_key_is_not_waited_for(desk, name):
    path = getattr(desk.workspace.layout, name)
    path.unlink()
    os.mkfifo(path)
    assert isinstance(desk.invoke("ledger", "show").exception, LedgerError)


def test_pipe_in_place_of_a_sealed_copy_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    keys.make_keys(tmp_path / "ledger.pub")
    vault = Vault(tmp_path / "sealed", tmp_path / "ledger.pub")
    (tmp_path / "file").write_text("text")
    vault.seal(tmp_path, [tmp_path / "file"])
    (vault.path / "index").unlink()
    os.mkfifo(vault.path / "index")
    with pytest.raises(LedgerError, match="was changed or is not there"):
        vault.read("file")


def test_request_that_somebody_makes_a_batch_is_not_dissolved(desk):
    """Dissolving removes the request, and enters that it counts no more."""
    second = open_request(desk.workspace, users=others(desk)[:1], opened_by="rita")
    file = desk.workspace.layout.request(second.id)
    write_json(file, read_json(file) | {"members": [desk.request]})
    with pytest.raises(RequestError, match="is not the batch that was opened"):
        dissolve(desk.workspace, second.id)
    assert file.exists()


def test_pipe_in_place_of_a_configuration_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(CureLensError, match="is no file"):
        read_config(tmp_path / "config.json")
