"""The doctor finds what is wrong, says how to mend it, and finds nothing where nothing is."""

import json
from dataclasses import replace

import pytest

import core.cli.app as cli
from core.cli.diagnostics import examine
from core.runs.process_identity import this_worker
from core.runs.submit import create_run


def test_what_is_whole_is_called_whole(workspace):
    assert all(finding.ok for finding in examine(workspace))


def test_a_lost_run_and_broken_off_work_are_named_with_their_mends(workspace):
    folder = create_run(workspace, workspace.requests()[0].id, device="cpu")
    folder.store.enlist(folder.id, replace(this_worker(), pid=2**22 + 1))
    (workspace.root / "references/.seed-101.part").mkdir(parents=True)
    wrong = {finding.name: finding for finding in examine(workspace) if not finding.ok}
    assert set(wrong) == {f"run {folder.id}", "broken-off work"}
    assert "resume" in wrong[f"run {folder.id}"].mend and "seed-101" in wrong["broken-off work"].said


def test_a_torn_store_is_named(workspace, capsys, monkeypatch):
    (workspace.root / "runs").mkdir()
    (workspace.root / "runs/store.sqlite").write_bytes(b"torn" * 1000)
    monkeypatch.setattr("sys.argv", ["core", "doctor", "-w", str(workspace.root), "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    found = {one["name"]: one for one in json.loads(capsys.readouterr().out)}
    assert end.value.code == 1 and not found["store"]["ok"] and "store.sqlite" in found["store"]["mend"]
