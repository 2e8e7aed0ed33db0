"""Ledger entries of a run: written once, verifiable with file and public key, and free of user data."""

import hashlib
import json
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from core.cli.app import app
from core.ledger.chain import entries
from core.ledger.keys import keys_of, read_public
from core.runs.answer_files import AnswerFiles
from core.runs.handle import RunHandle
from core.runs.ledger import RunWork, open_ledger
from core.runs.ledger_entries import Ledger
from core.runs.references import train_references
from core.runs.requests import void_request, write_marked
from core.runs.submit import create_run
from core.runs.verify import _distinct, _is_retrained, context_of, verify_run
from core.runs.worker import work
from core.types import Check, RunState, Verdict
from core.utils.serialization import read_json, write_json
from core.workspace import Workspace

RUNNER = CliRunner()


@pytest.fixture
def signed_workspace(workspace, tmp_path, monkeypatch) -> Workspace:
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "keys"))
    result = RUNNER.invoke(app, ["ledger", "init", "-w", str(workspace.root)])
    assert result.exit_code == 0, result.output
    return workspace


def finished_run(workspace: Workspace, method: str = "cure") -> RunHandle:
    run = create_run(workspace, workspace.requests()[0].id, method, "cpu", steps=3)
    assert work(run) is RunState.DONE, run.status
    return run


def references_check(run: RunHandle) -> Check:
    ledger = open_ledger(run.workspace)
    folders = AnswerFiles(run.spec.request, ledger).trained(run.workspace.reference_folders(run.spec.request))
    return _distinct(run, ledger, context_of(run), folders)


def test_finished_run_has_one_entry(signed_workspace):
    run = finished_run(signed_workspace)
    found = entries(signed_workspace.layout.ledger, read_public(signed_workspace.layout.ledger_key))
    first, _request, entry = found
    assert first.kind == "ledger"  # the two references are older, so neither they nor their answers are entered
    assert (entry.kind, entry.content["run"]) == ("run", run.id)
    after = hashlib.sha256((run.path / "adapter/adapter_model.safetensors").read_bytes()).hexdigest()
    assert entry.subjects["adapter after"] == after != entry.subjects["adapter before"]
    assert entry.content["outcome"]["steps"] == 3 and entry.content["measures"]["unlearned"]["test_auc"]["n"] > 0


def test_run_resumed_after_its_entry_gets_a_second_entry_if_it_made_other_files(signed_workspace):
    """A run that was killed between its entry and its end works again; its report tells other times."""
    ledger = Ledger(signed_workspace)
    run = create_run(signed_workspace, signed_workspace.requests()[0].id, "graddiff", "cpu")
    request, made = signed_workspace.request(run.spec.request), RunWork({"adapter after": "0" * 64})
    for _ in range(2):
        ledger.record_run(run.spec, request, made)
    ledger.record_run(run.spec, request, RunWork({"adapter after": "1" * 64}, attempts=2))
    assert [one["attempts"] for one in ledger.run_contents(run.id)] == [1, 2]
    assert ledger.run_content(run.id)["attempts"] == 2


def test_each_verification_has_an_entry(signed_workspace):
    run = finished_run(signed_workspace, "graddiff")
    found = [verify_run(run, "cpu") for _ in range(2)]
    entered = [
        one
        for one in entries(signed_workspace.layout.ledger, read_public(signed_workspace.layout.ledger_key))
        if one.kind == "verification"
    ]
    assert [one.content["verdict"] for one in entered] == [one.verdict for one in found]
    assert {one["id"] for one in entered[0].content["checks"]} == {one.id for one in found[0].checks}
    assert entered[0].content["thresholds"] == run.spec.thresholds and "adapter after" in entered[0].subjects


def test_trained_reference_has_an_entry_and_its_replacement_none(signed_workspace):
    request = signed_workspace.requests()[0].id
    train_references(
        signed_workspace, request, 2, "cpu", lambda number, step: False
    )  # two exist, older than the ledger
    assert list(open_ledger(signed_workspace).reference_digests(request)) == ["seed-101", "seed-102"]
    run = finished_run(signed_workspace, "graddiff")
    second = signed_workspace.reference_folders(request)[-1]
    assert references_check(run).verdict is Verdict.PASS
    weights = second / "adapter_model.safetensors"
    other = load_file(weights)
    save_file({name: value + 1e-3 for name, value in other.items()}, weights, metadata={"format": "pt"})
    assert references_check(run).verdict is Verdict.INCONCLUSIVE
    shutil.rmtree(second)
    assert references_check(run).verdict is Verdict.INCONCLUSIVE


def test_only_a_signed_retraining_counts_as_exact(signed_workspace):
    """The method in a run's folder is a word in a file; the ledger's entry was signed when the run ended."""
    run = finished_run(signed_workspace, "graddiff")
    spec = read_json(run.layout.spec)
    write_json(run.layout.spec, spec | {"method": "retrain"})
    edited = RunHandle(run.path)
    assert edited.spec.method == "retrain" and not _is_retrained(
        edited, open_ledger(signed_workspace), context_of(edited)
    )
    retrained = finished_run(signed_workspace, "retrain")
    assert _is_retrained(retrained, open_ledger(signed_workspace), context_of(retrained))


def test_entry_holds_no_user_item_or_title(signed_workspace):
    run = finished_run(signed_workspace)
    request = signed_workspace.requests()[0]
    entry = entries(signed_workspace.layout.ledger, read_public(signed_workspace.layout.ledger_key))[-1]
    text = json.dumps([entry.subjects, entry.content])
    words = {word for word in json.loads(json.dumps(text)).replace('"', " ").replace(",", " ").split()}
    titles = [item.title for item in signed_workspace.items.values()]
    assert not words & {*request.subjects, *signed_workspace.items} and not any(title in text for title in titles)
    keys = keys_of(signed_workspace.layout.ledger_key)
    assert entry.content["request"]["subjects"] == sorted(keys.pseudonym("user", user) for user in request.subjects)
    assert run.spec.request == entry.content["request"]["id"]


def test_ledger_is_verified_with_file_and_public_key_only(signed_workspace, tmp_path, monkeypatch):
    finished_run(signed_workspace, "graddiff")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    head = RUNNER.invoke(
        app, ["ledger", "head", "-w", str(signed_workspace.root), "--out", str(elsewhere / "head.json")]
    )
    assert head.exit_code == 0, head.output
    for name in ("ledger.jsonl", "ledger.pub"):
        shutil.move(signed_workspace.root / name, elsewhere / name)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "nowhere"))
    monkeypatch.chdir(elsewhere)
    command = ["ledger", "verify", "ledger.jsonl", "--key", "ledger.pub"]
    result = RUNNER.invoke(app, [*command, "--head", "head.json"])
    assert result.exit_code == 0 and "3 entries" in result.output
    assert "Without a head" in RUNNER.invoke(app, command).output
    lines = (elsewhere / "ledger.jsonl").read_text().splitlines(keepends=True)
    (elsewhere / "ledger.jsonl").write_text(lines[0])
    cut_result = RUNNER.invoke(app, [*command, "--head", "head.json", "--json"])
    assert cut_result.exit_code == 1 and "the last ones were dropped" in json.loads(cut_result.stdout)["flaws"][0]


def test_run_without_signing_key_does_not_start(signed_workspace, tmp_path, monkeypatch):
    run = create_run(signed_workspace, signed_workspace.requests()[0].id, "uniform", "cpu", steps=3)
    monkeypatch.setenv("CURE_LENS_KEYS", str(tmp_path / "nowhere"))
    assert work(run) is RunState.FAILED and "CURE_LENS_KEYS" in run.status.message
    assert not any(event["kind"] == "stage" for event in run.events())


def test_run_with_damaged_ledger_does_not_start(signed_workspace):
    run = create_run(signed_workspace, signed_workspace.requests()[0].id, "uniform", "cpu", steps=3)
    signed_workspace.layout.ledger.write_bytes(
        signed_workspace.layout.ledger.read_bytes().replace(b"payload", b"paylaod", 1)
    )
    assert work(run) is RunState.FAILED and "is damaged" in run.status.message
    assert not any(event["kind"] == "stage" for event in run.events())


def test_workspace_without_ledger_runs(workspace):
    finished_run(workspace, "graddiff")
    assert not workspace.layout.ledger.exists()


def test_command_shows_ledger_entries(signed_workspace):
    run = finished_run(signed_workspace, "graddiff")
    request = signed_workspace.request(run.spec.request)
    write_marked(signed_workspace, replace(request, reason="asked again"))
    void_request(signed_workspace, request.id)
    shown = RUNNER.invoke(app, ["ledger", "show", "-w", str(signed_workspace.root)]).output
    told = [line.split(maxsplit=2)[2] for line in shown.splitlines()]
    assert told[1:] == [
        f"request {request.id} opened",
        f"run {run.id}",
        f"request {request.id} changed",
        f"request {request.id} dissolved",
    ]
    found = json.loads(RUNNER.invoke(app, ["ledger", "show", "-w", str(signed_workspace.root), "--json"]).stdout)
    assert [one["kind"] for one in found] == ["ledger", "request", "run", "request", "request"]
