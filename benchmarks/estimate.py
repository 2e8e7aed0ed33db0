"""Benchmark of estimates: duration and memory as estimated before a run, and as measured afterwards.

    python benchmarks/estimate.py [WORKSPACE ...]    writes benchmarks/estimate.md; 6 minutes a workspace on one core

Each workspace needs a request; without a workspace, the demo world is used. The estimate is that of the command
`estimate`; a worker executes the run in a copy of the workspace.
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


def reckoned(place: Workspace, request: str, method: str) -> dict:
    """What `python -m core estimate` says."""
    options = ("--workspace", place.root, "--request", request, "--method", method, "--json")
    done = subprocess.run(
        [sys.executable, "-m", "core", "estimate", *options], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(done.stdout)


def needed(place: Workspace, request: str, method: str) -> RunStatus:
    """How the run ended."""
    folder = create_run(place, request, method)
    start(folder)
    while folder.status.state not in (*ENDED, RunState.LOST):
        time.sleep(0.5)
    return folder.status


def table(root: Path) -> list[str]:
    """One workspace's rows."""
    with tempfile.TemporaryDirectory() as parent:
        place = Workspace(shutil.copytree(root, Path(parent) / "copy", ignore=shutil.ignore_patterns("runs")))
        request = place.requests()[0].id
        lines = []
        for method in METHODS:
            before, after = reckoned(place, request, method), needed(place, request, method)
            lines.append(
                f"| {method} | {before['seconds']:.0f} | {after.seconds:.0f} | {before['seconds'] / after.seconds:.2f} "
                f"| {before['memory'] / 1e9:.2f} | {after.memory / 1e9:.2f} | {before['memory'] / after.memory:.2f} "
                f"| {after.state} |"
            )
    return [
        f"## {place.settings.name}", "",
        f"Request {request}, {before['parameters']:,} parameters, {before['device']}, {before['dtype']}.", "",
        "| method | estimate, s | run, s | ratio | estimate, GB | run, GB | ratio | ended |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |", *lines, "",
    ]  # fmt: skip


def main(folders: list[str]) -> None:
    lines = [line for folder in folders or [ROOT / "assets/demo"] for line in table(Path(folder))]
    head = [
        "# Estimates beside runs", "",
        "What `python -m core estimate` said just before a run, and what the run then took: seconds from its "
        "start to its end, and "
        "the most memory that its process held (on a card, what its tensors held). One run a line, seed 0. An "
        "estimate counts all "
        "steps of a method, and a run may stop before. `python benchmarks/estimate.py WORKSPACE ...`. torch "
        f"{torch.__version__}, "
        f"transformers {transformers.__version__}, Python {platform.python_version()}."
        + ("" if torch.cuda.is_available() else " No card was at hand: how good estimates are there was not measured."), "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join([*head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
