"""`cure-lens graph` writes the circuit of a run and the graph of one prompt, and refuses what it cannot draw."""

import json
import sys

import jsonschema
import pytest

import core.cli.app as cli
from core.circuit.neuronpedia_json import from_graph_json
from core.utils.assets import asset
from core.workspace import Workspace
from tests.cli.test_app import ROOT, error_of

SCHEMA = json.loads((ROOT / "tests/circuit/neuronpedia_schema.json").read_text(encoding="utf-8"))
DEMO = asset("demo")


def run_graph(monkeypatch, path, *arguments):
    monkeypatch.setattr(
        sys, "argv", ["core", "graph", "-w", str(DEMO), "--run", "run-demo", "-o", str(path), *arguments]
    )
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(SCHEMA).validate(content)
    return from_graph_json(content)


def test_circuit_and_prompt_are_written(monkeypatch, tmp_path, capsys):
    forget, retain = (run_graph(monkeypatch, tmp_path / "run.json", *more) for more in ((), ("--retain",)))
    assert (forget.name, retain.name) == ("run-demo-forget", "run-demo-retain") and forget.nodes != retain.nodes
    user = Workspace(DEMO).request("req-demo").subjects[0]
    item = [event.item for event in Workspace(DEMO).interactions if event.user == user][8]
    prompt = run_graph(monkeypatch, tmp_path / "one.json", "--user", user, "--item", item, "--nodes", "10")
    assert sum(node.module not in ("input", "logits") for node in prompt.nodes) == 10 and len(prompt.columns) > 2
    assert "10 of" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--run", "run-demo", "--user", "u060"), "--user and --item"),
        (("--run", "run-retrained"), "has no circuit"),
        (("--run", "run-demo", "--user", "u060", "--item", "nothing"), "choose one of the user's titles"),
    ],
)
def test_what_cannot_be_drawn_is_refused(monkeypatch, capsys, tmp_path, arguments, words):
    path = tmp_path / "graph.json"
    assert words in error_of(capsys, monkeypatch, "graph", "-w", DEMO, "-o", path, *arguments)
    assert not path.exists()
