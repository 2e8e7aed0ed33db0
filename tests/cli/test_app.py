"""The command line as a user meets it: the whole path on a small CSV, and one sentence for each bad input."""

import csv
import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import core.cli.app as cli
from tests.conftest import small_dataset

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ratings(tmp_path) -> Path:
    """80 people as a CSV with columns of other names than ours."""
    dataset = small_dataset(users=80)
    titles = {item.id: item.title for item in dataset.items}
    path = tmp_path / "ratings.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["who", "item", "title", "rating", "time"])
        for event in dataset.interactions:
            writer.writerow([event.user, event.item, titles[event.item], event.rating, event.time])
    return path


def core(*arguments) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "core", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def refused(capsys, monkeypatch, *arguments) -> str:
    """Run a command in this process; it must end with code 2 and one sentence on stderr, which is returned."""
    monkeypatch.setattr(sys, "argv", ["core", *map(str, arguments)])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].endswith("."), lines
    return lines[0]


@pytest.mark.slow
@pytest.mark.parametrize("task", ["click", "next_item"])
def test_the_whole_path(ratings, tmp_path, task):
    space = ("--workspace", tmp_path / "space")
    recipe = ("--task", task, "--epochs", 2, "--rank", 4, "--window", 12, "--crowd", 0.4)
    made = core("prepare", "--data", f"csv:{ratings}", "--columns", "user=who", *space, *recipe)
    assert made.returncode == 0, made.stderr
    member = made.stdout.split("--users ")[1].split()[0]
    request = json.loads(core("request", *space, "--users", member, "--json").stdout)
    assert request["users"] == [member]
    references = core("reference", *space, "--request", request["id"], "--seeds", 2, "--json")
    assert len(json.loads(references.stdout)["references"]) == 2
    ran = core("run", *space, "--request", request["id"], "--steps", 3, "--device", "cpu", "--json")
    assert ran.returncode == 0, ran.stderr
    report = core("report", *space, "--run", json.loads(ran.stdout)["id"])
    assert "Item-mean baseline" in report.stdout and "reference 2" in report.stdout
    numbers = json.loads(core("report", *space, "--run", json.loads(ran.stdout)["id"], "--json").stdout)
    assert 0 <= numbers["test_auc"] <= 1 and numbers["reference_count"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "csv:nowhere.csv"], "nowhere.csv is not there"),
        (["--data", "ratings.csv"], "KIND:PATH"),
        (["--data", "csv:{ratings}"], "no column 'user'"),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--task", "magic"], "Task 'magic'"),
        (["--data", "csv:{ratings}", "--columns", "nonsense"], "Columns 'nonsense'"),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--base", "some/model"], "ID@COMMIT"),
        (["--data", "csv:{ratings}", "--columns", "user=who", "--base", "{pickled}"], "holds the pickle"),
        (["--data", "csv:{long}"], "10,000 characters"),
    ],
)
def test_bad_input_to_prepare_leaves_no_workspace(ratings, tmp_path, capsys, monkeypatch, arguments, words):
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text('{"model_type": "llama"}')
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    long = tmp_path / "long.csv"
    long.write_text(f"user,item,title,rating,time\nu1,i1,{'x' * 10_000},4,1\n")
    filled = [part.format(ratings=ratings, pickled=pickled, long=long) for part in arguments]
    before = set(tmp_path.iterdir())
    assert words in refused(capsys, monkeypatch, "prepare", *filled, "--workspace", tmp_path / "space")
    assert set(tmp_path.iterdir()) == before


def test_bad_input_to_a_workspace(workspace, tmp_path, capsys, monkeypatch):
    space = ("--workspace", workspace.root)
    member = workspace.user_split.members[0]
    request = workspace.requests()[0].id
    cases = [
        (["request", *space, "--users", "nobody"], "'nobody' is not in this workspace"),
        (["request", *space, "--users", workspace.user_split.holdout[0]], "held-out user"),
        (["request", *space, "--users", ",".join(workspace.user_split.members)], "covers all"),
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
        assert words in refused(capsys, monkeypatch, *arguments)
    assert sorted(workspace.root.rglob("*")) == files


def test_a_taken_folder_is_refused(ratings, workspace, capsys, monkeypatch):
    data = ("--data", f"csv:{ratings}", "--columns", "user=who")
    assert "exists already" in refused(capsys, monkeypatch, "prepare", *data, "--workspace", workspace.root)


@pytest.mark.parametrize(
    "command", ["prepare", "request", "reference", "run", "report", "demo", "dashboard", "build-demo", "worker"]
)
def test_every_command_explains_itself(command, capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["core", command, "--help"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 0
    assert len(capsys.readouterr().out) > 200
