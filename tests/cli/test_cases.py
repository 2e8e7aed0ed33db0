"""The table of cases in docs/data.md: each command gives the outcome that stands beside it."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from core.cli.app import app

TABLE = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8").partition("## Cases")[2]
ROWS = re.findall(r"^\| (\S+) \| `(.+?)` \| (taken|refused): (.+) \|$", TABLE, re.MULTILINE)
CASES = Path(__file__).parents[3] / "shared/data/cases"
SHORT = ["--epochs", "1", "--learning-rate", ".002", "--window", "8"]


def test_the_table_is_read_whole():
    assert len(ROWS) == TABLE.count("\n| ") - 2  # without the head


@pytest.mark.slow
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/data/cases is not on this machine")
def test_every_case_is_in_the_table():
    assert {folder for folder, *_ in ROWS} == {folder.name for folder in CASES.iterdir()}


@pytest.mark.slow
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/data/cases is not on this machine")
@pytest.mark.parametrize(("folder", "command", "outcome", "text"), ROWS)
def test_command_gives_its_outcome(monkeypatch, tmp_path, folder, command, outcome, text):
    monkeypatch.chdir(CASES / folder)
    options = shlex.split(command)
    result = CliRunner().invoke(app, ["prepare", "-w", str(tmp_path / "ws"), *SHORT, *options])
    assert (result.exit_code == 0) == (tmp_path / "ws").exists() == (outcome == "taken"), result.output
    shown = " ".join((result.output if outcome == "taken" else str(result.exception)).split())
    parts = re.findall(r"`(.+?)`", text)
    assert parts and [part for part in parts if part not in shown] == []
