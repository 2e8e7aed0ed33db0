"""Artifacts in a run's folder: the spec is cached, and the run knows its workspace."""

import ast
from pathlib import Path

from core.runs import artifacts
from core.runs.handle import RunHandle, open_run, runs
from core.runs.submit import create_run
from core.workspace import Workspace

RUNS = Path(artifacts.__file__).parent


def test_only_named_methods_write_a_run():
    assert not hasattr(RunHandle, "write")
    writers = {"write_json", "write_text", "write_bytes"}
    calls = {
        path.name
        for path in RUNS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in writers
    }
    assert calls == {"answer_files.py", "external.py", "handle.py", "folder_observer.py", "checkpoints.py", "reference_job.py",
        "reference_training.py", "requests.py",
    }  # fmt: skip


def test_spec_is_parsed_once_per_process(workspace, monkeypatch):
    run = create_run(workspace, workspace.requests()[0].id, "finetune", "cpu", steps=2)
    artifacts.parse_spec.cache_clear()
    parsed, parse = [], artifacts.parse_json
    monkeypatch.setattr(
        artifacts, "parse_json", lambda text, *given: parsed.append(given[1].name) or parse(text, *given)
    )
    for _ in range(3):
        reopened = Workspace(workspace.root)
        assert open_run(reopened, run.id).spec.method == runs(reopened)[0].spec.method == run.spec.method == "finetune"
    assert parsed == ["spec.json"]


def test_run_knows_its_workspace(workspace):
    run = create_run(workspace, workspace.requests()[0].id, "finetune", "cpu")
    assert run.workspace.root == workspace.root and run.layout == workspace.layout.run(run.id)
