"""What a resumed run reads back was written by a worker, and only the worker that holds a run signs it."""

import hashlib
import hmac
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import LeaseLostError
from core.runs import checkpoints, folder_observer, ledger_entries
from core.runs import earlier_result as earlier
from core.runs.checkpoints import CheckpointReader, Checkpoints
from core.runs.earlier_result import earlier_result
from core.runs.ledger import NullLedger, open_ledger
from core.runs.submit import create_run
from core.runs.worker import work
from core.types import Group, RunState
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json


@pytest.fixture
def launched(workspace, tmp_path, monkeypatch):
    """A run that waits, where a ledger is kept."""
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    assert CliRunner().invoke(app, ["ledger", "init", "-w", str(workspace.root)]).exit_code == 0
    return create_run(workspace, workspace.requests()[0].id, "cure", "cpu", steps=1)


@pytest.fixture
def run(launched):
    """A finished run with circuits and groups."""
    run = launched
    assert work(run) is RunState.DONE, run.status
    return run


@pytest.mark.parametrize("name", ["forget", "retain", "groups", "scores", "direct_effects"])
def test_results_that_were_changed_are_found_again(run, name):
    ledger, path = open_ledger(run.workspace), getattr(run.layout, name)
    assert earlier_result(run, ledger).groups == run.groups
    path.write_bytes(path.read_bytes() + b"\n")
    assert earlier_result(run, ledger) is None
    assert earlier_result(run, NullLedger()) is None  # a ledger was kept when they were written


def test_results_that_are_exchanged_while_they_are_read_are_not_used(run, monkeypatch):
    found, marked = run.groups, earlier.mark_of

    def exchanged(*given):
        for path in (run.layout.forget, run.layout.retain, run.layout.groups):
            path.write_text("[]")
        return marked(*given)

    monkeypatch.setattr(earlier, "mark_of", exchanged)
    assert earlier_result(run, open_ledger(run.workspace)).groups == found


@pytest.mark.parametrize("name", ["forget", "groups"])
def test_results_that_are_exchanged_when_they_are_written_are_not_marked(launched, monkeypatch, name):
    write, file = folder_observer.write_json, getattr(launched.layout, name)

    def exchanged(path, value):
        written = write(path, value)
        if path == file:
            path.write_text(path.read_text() + "\n")
        return written

    monkeypatch.setattr(folder_observer, "write_json", exchanged)
    assert work(launched) is RunState.DONE
    assert earlier_result(launched, open_ledger(launched.workspace)) is None


def test_groups_of_another_run_are_not_taken(run):
    """Files and marks are copied from a run that a worker made."""
    other = create_run(run.workspace, run.spec.request, "cure", "cpu", seed=1)
    results = (run.layout.forget, run.layout.retain, run.layout.groups, run.layout.scores, run.layout.direct_effects)
    for path in (*results, run.layout.events):
        shutil.copyfile(path, other.path / path.name)
    assert other.groups and earlier_result(other, open_ledger(run.workspace)) is None


def test_resumed_run_does_not_act_on_groups_that_were_written_by_hand(run):
    """As after a kill: the run works again, and finds its groups itself."""
    found = run.groups
    write_json(run.layout.groups, [{**row, "group": Group.RETAIN} for row in read_json(run.layout.groups)])
    with run.store.changing() as database:
        database.execute("UPDATE runs SET state = 'queued', worker = NULL WHERE id = ?", (run.id,))
    assert work(run) is RunState.DONE, run.status
    assert run.groups == found


def test_worker_that_lost_its_run_signs_and_deletes_nothing(launched, monkeypatch):
    """It is declared lost while it prepares its entry, as when its machine stood still."""
    content = ledger_entries._content

    def lost_meanwhile(*given):
        with launched.store.changing():
            launched.store._move(launched.store.find(launched.id), RunState.FAILED)
        launched.layout.checkpoint.mkdir(exist_ok=True)
        return content(*given)

    monkeypatch.setattr(ledger_entries, "_content", lost_meanwhile)
    with pytest.raises(LeaseLostError):
        work(launched)
    assert launched.layout.checkpoint.is_dir() and launched.status.state is RunState.FAILED
    assert not open_ledger(launched.workspace).run_subjects(launched.id)


def mark(*words):
    return hmac.new(b"secret", json.dumps(words).encode(), hashlib.sha256).hexdigest()


@pytest.fixture
def checkpoint(tmp_path):
    """The folder of a marked checkpoint."""
    checkpoints = Checkpoints(tmp_path, 0.0, mark)
    checkpoints.save_if_due(1, 5, lambda: {"done": 5, "weights": torch.ones(3)}, last=True)
    assert checkpoints.latest(1)["done"] == 5
    return tmp_path / "01-0000005"


@pytest.mark.parametrize("reader", [Checkpoints, CheckpointReader])
@pytest.mark.parametrize("change", ["weights", "place", "no mark"])
def test_checkpoint_that_somebody_else_wrote_is_not_read(checkpoint, reader, change):
    tensors, manifest = next(checkpoint.glob("*.safetensors")), checkpoint / "manifest.json"
    told = read_json(manifest)
    if change == "weights":
        save_file({name: 2 * value for name, value in load_file(tensors).items()}, tensors)
        told[tensors.name] = sha256_of_file(tensors)
    elif change == "no mark":
        told.pop("mark")
    else:
        checkpoint = checkpoint.rename(checkpoint.with_name("01-0000009"))
    write_json(checkpoint / "manifest.json", told)
    assert reader(checkpoint.parent, mark=mark).latest(1) is None


@pytest.mark.parametrize("reader", [Checkpoints, CheckpointReader])
def test_checkpoint_that_is_exchanged_while_it_is_read_is_not_used(checkpoint, monkeypatch, reader):
    """The files change behind each reading."""
    read = checkpoints.read_file

    def exchanged(path):
        content = read(path)
        save_file({"0": torch.zeros(3)}, path)
        return content

    monkeypatch.setattr(checkpoints, "read_file", exchanged)
    assert torch.equal(reader(checkpoint.parent, mark=mark).latest(1)["weights"], torch.ones(3))


def test_checkpoint_that_is_exchanged_while_it_is_written_is_not_read(tmp_path, monkeypatch):
    write, made = checkpoints.write_bytes, Checkpoints(tmp_path, 0.0, mark)

    def exchanged(path, content):
        write(path, content)
        save_file({"0": torch.zeros(3)}, path)

    monkeypatch.setattr(checkpoints, "write_bytes", exchanged)
    made.save_if_due(1, 5, lambda: {"weights": torch.ones(3)}, last=True)
    assert made.latest(1) is None


def test_checkpoint_of_a_training_on_other_inputs_is_not_read(tmp_path):
    made = Checkpoints(tmp_path, 0.0, mark)
    made.bind("01")
    made.save_if_due(1, 5, lambda: {"done": 5}, last=True)
    assert made.latest(1) == {"done": 5}
    made.bind("02")
    assert made.latest(1) is None
