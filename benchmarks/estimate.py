"""Benchmark of estimates: estimated duration and memory of runs against the measured ones.

    python benchmarks/estimate.py [WORKSPACE ...]    writes benchmarks/estimate.md; 12 minutes per workspace on one core

Without a workspace, the demo world is used, and a small one on SmolLM2 (python -m core base fetch smollm2-135m; about an hour).
Runs of four methods are executed in a copy of the workspace, which needs a request, each RUNS times; a workspace with two or more
finished runs that hold their estimates is read as it is.
"""

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.real_model import make_workspace  # noqa: E402
from core.runs.estimate.estimate import Estimate  # noqa: E402
from core.runs.estimate.learned import Lesson, corrected, lesson_of  # noqa: E402
from core.runs.handle import RunHandle, runs  # noqa: E402
from core.runs.requests import open_request  # noqa: E402
from core.runs.submit import create_run, start  # noqa: E402
from core.types import ENDED, RunState  # noqa: E402
from core.workspace import Workspace  # noqa: E402

METHODS, RUNS = ("cure", "cure_merge", "graddiff", "retrain"), 2
FORGOTTEN = 2  # of the 20 people of the small world on SmolLM2


@contextmanager
def worlds() -> Iterator[list[Path]]:
    """The demo world, and a small one on SmolLM2 with one request."""
    with tempfile.TemporaryDirectory() as parent:
        small = make_workspace(Path(parent) / "cinema")
        open_request(small, small.user_split.training_users[:FORGOTTEN])
        yield [ROOT / "assets/demo", small.root]


def measure(workspace: Workspace, request: str, method: str) -> None:
    """Execute a run to its end."""
    run = create_run(workspace, request, method)
    start(run)
    while run.status.state not in (*ENDED, RunState.LOST):
        time.sleep(0.5)


def table(root: Path) -> list[str]:
    """Table of one workspace."""
    if len(finished(Workspace(root))) > 1:
        return rows(Workspace(root))
    with tempfile.TemporaryDirectory() as parent:
        workspace = Workspace(shutil.copytree(root, Path(parent) / "copy", ignore=shutil.ignore_patterns("runs")))
        for method in METHODS * RUNS:
            measure(workspace, workspace.requests()[0].id, method)
        return rows(workspace)


def finished(workspace: Workspace) -> list[tuple[RunHandle, Lesson]]:
    """The finished runs, the oldest first, each with its lesson."""
    return [(run, lesson) for run in reversed(runs(workspace)) if (lesson := lesson_of(run))]


def rows(workspace: Workspace) -> list[str]:
    """A line for each finished run; its second estimate is corrected by all other runs."""
    lines, found = [], finished(workspace)
    for run, own in found:
        status = run.status
        seconds, memory = status.seconds / own.seconds, status.peak_bytes / own.memory  # as estimated at its start
        first = Estimate(status.device, status.dtype, 0, round(memory), 0, seconds, 0)
        second = corrected(first, own.method, [lesson for other, lesson in found if other.id != run.id])
        took, peak = status.seconds, status.peak_bytes
        lines.append(
            f"| {own.method} | {took:.0f} | {first.seconds / took:.2f} | {second.seconds / took:.2f} | {peak / 1e9:.2f} "
            f"| {first.peak_bytes / peak:.2f} | {second.peak_bytes / peak:.2f} |"
        )
    return [
        f"## {workspace.settings.name}", "",
        f"{len(found)} runs on {status.device}, {status.dtype}.", "",
        "| method | run, s | by tokens | learned | run, GB | by tokens | learned |",
        "| --- | --- | --- | --- | --- | --- | --- |", *lines, "",
    ]  # fmt: skip


def write(folders: list[Path]) -> None:
    lines = [line for folder in folders for line in table(folder)]
    head = [
        "# Estimates against runs", "",
        "Each line is a finished run: seconds from start to end, and the peak memory of its process (on a GPU, of its "
        "tensors). *By tokens* is the estimate that was made when the run started, as a multiple of what it took; "
        "*learned* is this estimate corrected by all other runs of the table, as `python -m core estimate` corrects it: by those of "
        "the same method where there are any (goal: .75 to 1.25). An estimate counts all steps of a method; a run may stop earlier. "
        f"Written by `python benchmarks/estimate.py`. torch {torch.__version__}, "
        f"transformers {transformers.__version__}, Python {platform.python_version()}."
        + ("" if torch.cuda.is_available() else " Estimates for a GPU were not checked: this machine has none."), "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join([*head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    if given := sys.argv[1:]:
        write(list(map(Path, given)))
    else:
        with worlds() as found:
            write(found)
