"""The command `doctor` reports problems of a workspace and how to repair them."""

import json
from dataclasses import replace

import pytest
import torch

import core.cli.app as cli
from core.cli.diagnostics import examine
from core.models.known_bases import known_base
from core.runs.process_identity import this_worker
from core.runs.submit import create_run
from core.utils.serialization import write_json


@pytest.fixture(autouse=True)
def cpu_build(monkeypatch):
    """torch without CUDA: doctor rightly reports a CUDA build on a machine without a GPU."""
    monkeypatch.setattr(torch.version, "cuda", None)


def test_doctor_reports_a_cuda_build_without_a_gpu(workspace, monkeypatch):
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [finding.name for finding in examine(workspace.root) if not finding.ok] == ["device"]


def test_doctor_finds_no_problem_in_an_intact_workspace(workspace):
    assert all(finding.ok for finding in examine(workspace.root))


def test_doctor_reports_a_known_base_that_is_absent(workspace, monkeypatch, tmp_path):
    monkeypatch.setenv("CURE_LENS_CACHE", str(tmp_path))
    base = known_base("smollm2-135m")
    write_json(workspace.layout.settings, replace(workspace.settings, base=base.name))
    (problem,) = [finding for finding in examine(workspace.root) if not finding.ok]
    assert problem.name == "base" and "base fetch smollm2-135m" in problem.fix
    base.folder.mkdir(parents=True)
    assert all(finding.ok for finding in examine(workspace.root))


def test_doctor_reports_lost_run_and_unfinished_work_with_repairs(workspace):
    run = create_run(workspace, workspace.requests()[0].id, device="cpu")
    run.store.register_worker(run.id, replace(this_worker(), pid=2**22 + 1))
    (workspace.root / "references/.seed-101.part").mkdir(parents=True)
    problems = {finding.name: finding for finding in examine(workspace.root) if not finding.ok}
    assert set(problems) == {f"run {run.id}", "unfinished folders"}
    assert "resume" in problems[f"run {run.id}"].fix and "seed-101" in problems["unfinished folders"].detail


def test_doctor_reports_a_corrupt_store(workspace, capsys, monkeypatch):
    (workspace.root / "runs").mkdir()
    (workspace.root / "runs/store.sqlite").write_bytes(b"torn" * 1000)
    monkeypatch.setattr("sys.argv", ["core", "doctor", "-w", str(workspace.root), "--json"])
    with pytest.raises(SystemExit) as exit_info:
        cli.main()
    findings = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert exit_info.value.code == 1 and not findings["store"]["ok"] and "store.sqlite" in findings["store"]["mend"]
