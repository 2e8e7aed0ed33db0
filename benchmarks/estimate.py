"""Benchmark of estimates: estimated duration and memory of a run against the measured ones.

    python benchmarks/estimate.py [WORKSPACE ...]    writes benchmarks/estimate.md; 6 minutes per workspace on one core

Each workspace needs a request; without a workspace, the demo world is used. The command `estimate` makes the estimates. A
worker executes the runs in a copy of the workspace.
"""

import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.runs.submit import create_run, start  # noqa: E402
from core.types import ENDED, RunState, RunStatus  # noqa: E402
from core.workspace import Workspace  # noqa: E402

METHODS = ("cure", "cure_merge", "graddiff", "retrain")


def estimate(workspace: Workspace, request: str, method: str) -> dict:
    """Estimate of `python -m core estimate`."""
    options = ("--workspace", workspace.root, "--request", request, "--method", method, "--json")
    done = subprocess.run(
        [sys.executable, "-m", "core", "estimate", *options], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(done.stdout)


def measure(workspace: Workspace, request: str, method: str) -> RunStatus:
    """Execute the run and return its last status."""
    run = create_run(workspace, request, method)
    start(run)
    while run.status.state not in (*ENDED, RunState.LOST):
        time.sleep(0.5)
    return run.status


def table(root: Path) -> list[str]:
    """Table of one workspace."""
    with tempfile.TemporaryDirectory() as parent:
        workspace = Workspace(shutil.copytree(root, Path(parent) / "copy", ignore=shutil.ignore_patterns("runs")))
        request = workspace.requests()[0].id
        lines = []
        for method in METHODS:
            before, after = estimate(workspace, request, method), measure(workspace, request, method)
            lines.append(
                f"| {method} | {before['seconds']:.0f} | {after.seconds:.0f} | {before['seconds'] / after.seconds:.2f} "
                f"| {before['memory'] / 1e9:.2f} | {after.peak_bytes / 1e9:.2f} | {before['memory'] / after.peak_bytes:.2f} "
                f"| {after.state} |"
            )
    return [
        f"## {workspace.settings.name}", "",
        f"Request {request}, {before['parameters']:,} parameters, {before['device']}, {before['dtype']}.", "",
        "| method | estimate, s | run, s | ratio | estimate, GB | run, GB | ratio | ended |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |", *lines, "",
    ]  # fmt: skip


def main(folders: list[str]) -> None:
    lines = [line for folder in folders or [ROOT / "assets/demo"] for line in table(Path(folder))]
    head = [
        "# Estimates against runs", "",
        "Each line compares the estimate of `python -m core estimate` with the run that followed, seed 0: seconds from "
        "start to end, and the peak memory of its process (on a GPU, of its tensors). An estimate counts all steps of a "
        "method; a run may stop earlier. Written by `python benchmarks/estimate.py WORKSPACE ...`. "
        f"torch {torch.__version__}, "
        f"transformers {transformers.__version__}, Python {platform.python_version()}."
        + ("" if torch.cuda.is_available() else " Estimates for a GPU were not checked: this machine has none."), "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join([*head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
