"""Command line: all commands from CSV to report, and one error sentence for each invalid input."""

import csv
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer
from typer.testing import CliRunner

import core.cli.app as cli
from core.runs.handle import RunHandle
from core.types import Part, RunState, RunStatus
from core.utils.assets import asset
from tests.conftest import small_dataset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ratings(tmp_path) -> Path:
    """A CSV file of 80 users whose user column is named `who`."""
    dataset = small_dataset(users=80)
    titles = {item.id: item.title for item in dataset.items}
    path = tmp_path / "ratings.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "item", "title", "rating", "time"])
        for event in dataset.interactions:
            writer.writerow([event.user, event.item, titles[event.item], event.rating, event.time])
    return path


def run_core(*arguments) -> subprocess.CompletedProcess:
    """Run `python -m core` in a process of its own."""
    command = [sys.executable, "-m", "core", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def error_of(capsys, monkeypatch, *arguments) -> str:
    """Run a command that must fail with code 2; returns its only line on stderr, one sentence."""
    monkeypatch.setattr(sys, "argv", ["core", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].endswith("."), lines
    return lines[0]


def test_started_processes_run_the_code_of_this_checkout(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setattr(sys, "argv", ["core", "base", "list"])
    for _ in range(2):
        with pytest.raises(SystemExit):
            cli.main()
        assert os.environ["PYTHONPATH"] == f"{ROOT}{os.pathsep}/elsewhere" and os.environ["PYTHONSAFEPATH"]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["click", "next_item"])
def test_commands_lead_from_csv_to_report(ratings, tmp_path, task):
    space = ("--workspace", tmp_path / "space")
    recipe = ("--task", task, "--epochs", 2, "--rank", 4, "--window", 12, "--crowd", 0.4)
    prepared = run_core("prepare", "--data", f"csv:{ratings}", "--columns", "user=who", *space, *recipe)
    assert prepared.returncode == 0, prepared.stderr
    member = prepared.stdout.split("--users ")[1].split()[0]
    request = json.loads(run_core("request", *space, "--users", member, "--json").stdout)
    assert request["users"] == [member]
    references = run_core("reference", *space, "--request", request["id"], "--seeds", 2, "--json")
    assert len(json.loads(references.stdout)["references"]) == 2
    run = run_core("run", *space, "--request", request["id"], "--steps", 3, "--device", "cpu", "--json")
    assert run.returncode == 0, run.stderr
    report = run_core("report", *space, "--run", json.loads(run.stdout)["id"])
    assert "Item-mean baseline" in report.stdout and "reference 2" in report.stdout
    numbers = json.loads(run_core("report", *space, "--run", json.loads(run.stdout)["id"], "--json").stdout)
    assert 0 <= numbers["test_auc"] <= 1 and numbers["reference_count"] == 2


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (RunState.RUNNING, "has no report yet (it is running): wait for its end."),
        (RunState.FAILED, "failed and has no report: read log.txt, then resume it or launch a new one."),
        (RunState.LOST, "is lost and has no report: resume it or launch a new one."),
        (RunState.CANCELLED, "is cancelled and has no report: launch a new one."),
    ],
)
def test_report_of_run_without_one_says_what_to_do(monkeypatch, capsys, tmp_path, state, words):
    run = SimpleNamespace(id="run-1", report=None, status=RunStatus(state), layout=SimpleNamespace(log=Path("log.txt")))
    monkeypatch.setattr("core.cli.verify.Workspace", Path)
    monkeypatch.setattr("core.cli.verify.open_run", lambda _workspace, _run_id: run)
    error = error_of(capsys, monkeypatch, "report", "-w", tmp_path, "--run", "run-1")
    assert "Run 'run-1' " in error and words in error


def test_verify_prints_no_verdict_for_descriptions(monkeypatch, tmp_path):
    root = Path(shutil.copytree(asset("demo"), tmp_path / "demo"))
    run = RunHandle(root / "runs/run-demo")
    monkeypatch.setattr("core.runs.verify.verify_run", lambda *_: run.verification)
    printed = CliRunner().invoke(cli.app, ["verify", "-w", str(root), "--run", run.id]).output
    judged, described = printed.split("Descriptions, without influence on the verdict:")
    checks = described.partition("Not covered")[0]
    count = sum(check.part is Part.DESCRIPTION for check in run.verification.checks)
    assert checks.count("measured  ") == count and not {"PASS", "FAIL", "INCONCLUSIVE"} & {*checks.split()}
    assert "measured  " not in judged


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "csv:nowhere.csv"], "nowhere.csv is not there"),
        (["--data", "ratings.csv"], "KIND:PATH"),
        (["--data", "csv:{ratings}"], "no column 'user'"),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--task", "magic"], "Task 'magic'"),
        (["--data", "csv:{ratings}", "--columns", "nonsense"], "Columns 'nonsense'"),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--base", "some/model"], "ID@COMMIT"),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--base", "smollm2-135m"], "base fetch smollm2-135m."),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--base", "{pickled}"], "holds the pickle"),
        (["--data", "csv:{long}"], "10,000 characters"),
        (
            ["--data", "csv:{ratings}", "--columns", "user=who", "--learning-rate", "0"],
            "--learning-rate 0 trains nothing",
        ),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--learning-rate", "inf"], "inf trains nothing"),
    ],
)
def test_prepare_refuses_invalid_input_and_leaves_no_files(ratings, tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.setenv("CURE_LENS_CACHE", str(tmp_path / "cache"))
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text('{"model_type": "llama"}')
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    long = tmp_path / "long.csv"
    long.write_text(f"user,item,title,rating,time\nu1,i1,{'x' * 10_000},4,1\nu1,i2,Other,1,2\n")
    filled = [part.format(ratings=ratings, pickled=pickled, long=long) for part in arguments]
    before = set(tmp_path.iterdir())
    assert words in error_of(capsys, monkeypatch, "prepare", *filled, "--workspace", tmp_path / "space")
    assert set(tmp_path.iterdir()) == before


def test_commands_refuse_invalid_input_and_change_no_files(workspace, tmp_path, capsys, monkeypatch):
    space = ("--workspace", workspace.root)
    member = workspace.user_split.training_users[0]
    request = workspace.requests()[0].id
    cases = [
        (["request", *space, "--users", "nobody"], "'nobody' is not in this workspace"),
        (["request", *space, "--users", workspace.user_split.held_out_users[0]], "held-out user"),
        (["request", *space, "--users", ",".join(workspace.user_split.training_users)], "covers all"),
        (["request", *space], "names nobody"),
        (["request", *space, "--interactions", f"{member}"], "not USER:ITEM"),
        (["request", *space, "--interactions", f"{member}:i999"], "no interaction with item"),
        (["run", *space, "--request", request, "--method", "magic"], "Method 'magic'"),
        (["run", *space, "--request", "req-none"], "'req-none' is not in this workspace"),
        (["report", *space, "--run", "run-none"], "'run-none' is not in this workspace"),
        (["request", "--workspace", tmp_path / "none", "--users", "u1"], "is not a workspace"),
        (["prepare", "--data", "csv:x", *space], "x is not there"),
    ]
    if not torch.cuda.is_available():
        cases.append((["run", *space, "--request", request, "--device", "cuda"], "no CUDA device"))
    files = sorted(workspace.root.rglob("*"))
    for arguments, words in cases:
        assert words in error_of(capsys, monkeypatch, *arguments)
    assert sorted(workspace.root.rglob("*")) == files


def test_prepare_refuses_an_existing_folder(ratings, workspace, capsys, monkeypatch):
    data = ("--data", f"csv:{ratings}", "--columns", "user=who")
    assert "exists already" in error_of(capsys, monkeypatch, "prepare", *data, "--workspace", workspace.root)


@pytest.mark.parametrize(
    "command", ["prepare", "request", "reference", "run", "report", "demo", "dashboard", "build-demo", "worker"]
)
def test_every_command_has_a_help_text(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["core", command, "--help"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert len(capsys.readouterr().out) > 200


def test_options_in_the_documents_exist():
    """The README and docs/operating.md name an option as code, for example `--full`."""

    def options(command):
        yield from (option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts))
        for child in getattr(command, "commands", {}).values():
            yield from options(child)

    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/operating.md")]
    named = {option for text in texts for option in re.findall(r"`(--[a-z][a-z-]*)", text)}
    assert len(named) > 5 and named <= set(options(typer.main.get_command(cli.app)))
