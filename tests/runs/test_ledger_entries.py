"""A run's entry in the ledger: made once, provable with the file and the key alone, and silent about what was forgotten."""

import hashlib
import json
import shutil

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from core.cli.app import app
from core.ledger.chain import entries
from core.ledger.keys import keys_of, read_public
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.ledger_entries import Ledger
from core.runs.references import train_references
from core.runs.submit import create_run
from core.runs.verify import _distinct, verify
from core.runs.worker import work
from core.types import RunState, Verdict
from core.workspace import Workspace

RUNNER = CliRunner()


@pytest.fixture
def place(workspace, tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    told = RUNNER.invoke(app, ["ledger", "init", "-w", str(workspace.root)])
    assert told.exit_code == 0, told.output
    return workspace


def made(place: Workspace, method: str = "cure") -> RunHandle:
    folder = create_run(place, place.requests()[0].id, method, "cpu", steps=3)
    assert work(folder) is RunState.DONE, folder.status
    return folder


def test_a_finished_run_is_entered_once(place):
    folder = made(place)
    Ledger(place).record_run(folder)  # as after a kill between the entry and the end
    opening, entry = entries(place.layout.ledger, read_public(place.layout.ledger_key))
    assert (opening.kind, entry.kind, entry.content["run"]) == ("ledger", "run", folder.id)
    after = hashlib.sha256((folder.path / "adapter/adapter_model.safetensors").read_bytes()).hexdigest()
    assert entry.subjects["adapter after"] == after != entry.subjects["adapter before"]
    assert entry.content["outcome"]["steps"] == 3 and entry.content["measures"]["unlearned"]["test_auc"]["n"] > 0


def test_a_run_that_is_resumed_after_its_entry_is_entered_anew(place):
    """Killed between its entry and its last word: what it tells since is told there as well."""
    folder = made(place, "graddiff")
    folder.add_event({"kind": "attempt", "attempt": 2, "seconds": 1.0})
    Ledger(place).record_run(folder)
    found = [one for one in entries(place.layout.ledger, read_public(place.layout.ledger_key)) if one.kind == "run"]
    assert [one.content["attempts"] for one in found] == [1, 2]
    assert Ledger(place).run_entry(folder.id) == found[-1]


def test_what_was_checked_is_entered_as_often_as_it_was(place):
    folder = made(place, "graddiff")
    found = [verify(folder, "cpu") for _ in range(2)]
    entered = [
        one for one in entries(place.layout.ledger, read_public(place.layout.ledger_key)) if one.kind == "verification"
    ]
    assert [one.content["verdict"] for one in entered] == [one.verdict for one in found]
    assert {one["id"] for one in entered[0].content["checks"]} == {one.id for one in found[0].checks}
    assert entered[0].content["thresholds"] == folder.spec.thresholds and "adapter after" in entered[0].subjects


def test_a_reference_is_entered_when_it_is_trained_and_missed_when_it_is_another(place):
    request = place.requests()[0].id
    train_references(place, request, 3, "cpu", lambda number, step: False)  # two are there already
    (entry,) = [
        one for one in entries(place.layout.ledger, read_public(place.layout.ledger_key)) if one.kind == "reference"
    ]
    folder = made(place, "graddiff")
    third = place.reference_folders(request)[-1]
    assert entry.content["seed"] == third.name and _distinct(folder, open_ledger(place)).verdict is Verdict.PASS
    weights = third / "adapter_model.safetensors"
    other = load_file(weights)
    save_file({name: value + 1e-3 for name, value in other.items()}, weights, metadata={"format": "pt"})
    assert _distinct(folder, open_ledger(place)).verdict is Verdict.INCONCLUSIVE
    shutil.rmtree(third)
    assert _distinct(folder, open_ledger(place)).verdict is Verdict.INCONCLUSIVE


def test_nothing_of_the_person_is_in_it(place):
    folder = made(place)
    request = place.requests()[0]
    entry = entries(place.layout.ledger, read_public(place.layout.ledger_key))[-1]
    text = json.dumps([entry.subjects, entry.content])
    words = {word for word in json.loads(json.dumps(text)).replace('"', " ").replace(",", " ").split()}
    titles = [item.title for item in place.items.values()]
    assert not words & {*request.subjects, *place.items} and not any(title in text for title in titles)
    keys = keys_of(place.layout.ledger_key)
    assert entry.content["request"]["subjects"] == sorted(keys.pseudonym("user", user) for user in request.subjects)
    assert folder.spec.request == entry.content["request"]["id"]


def test_it_is_proved_with_the_file_and_the_key_alone(place, tmp_path, monkeypatch):
    made(place, "graddiff")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    head = RUNNER.invoke(app, ["ledger", "head", "-w", str(place.root), "--out", str(elsewhere / "head.json")])
    assert head.exit_code == 0, head.output
    for name in ("ledger.jsonl", "ledger.pub"):
        shutil.move(place.root / name, elsewhere / name)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "nowhere"))
    monkeypatch.chdir(elsewhere)
    command = ["ledger", "verify", "ledger.jsonl", "--key", "ledger.pub"]
    whole = RUNNER.invoke(app, [*command, "--head", "head.json"])
    assert whole.exit_code == 0 and "2 entries" in whole.output
    assert "Without a head" in RUNNER.invoke(app, command).output
    lines = (elsewhere / "ledger.jsonl").read_text().splitlines(keepends=True)
    (elsewhere / "ledger.jsonl").write_text(lines[0])
    cut = RUNNER.invoke(app, [*command, "--head", "head.json", "--json"])
    assert cut.exit_code == 1 and "the last ones were dropped" in json.loads(cut.stdout)["flaws"][0]


def test_a_run_whose_signature_could_not_be_made_does_not_start(place, tmp_path, monkeypatch):
    folder = create_run(place, place.requests()[0].id, "graddiff", "cpu", steps=3)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "nowhere"))
    assert work(folder) is RunState.FAILED and "CURE_LENS_KEYS" in folder.status.message
    assert not any(event["kind"] == "stage" for event in folder.events())


def test_a_ledger_that_was_touched_takes_no_more_entries(place):
    place.layout.ledger.write_bytes(place.layout.ledger.read_bytes().replace(b"payload", b"paylaod", 1))
    folder = create_run(place, place.requests()[0].id, "graddiff", "cpu", steps=3)
    assert work(folder) is RunState.FAILED and "is damaged" in folder.status.message
    assert not any(event["kind"] == "stage" for event in folder.events())


def test_a_workspace_without_a_ledger_runs_as_before(workspace):
    made(workspace, "graddiff")
    assert not workspace.layout.ledger.exists()


def test_the_ledger_is_shown(place):
    folder = made(place, "graddiff")
    assert folder.id in RUNNER.invoke(app, ["ledger", "show", "-w", str(place.root)]).output
    found = json.loads(RUNNER.invoke(app, ["ledger", "show", "-w", str(place.root), "--json"]).stdout)
    assert [one["kind"] for one in found] == ["ledger", "run"]
