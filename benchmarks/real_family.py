"""A pretrained LLM of another family, end to end: load, train, attribute, unlearn and rank, with the time of each.

    python benchmarks/real_family.py BASE [BASE ...]        writes benchmarks/real_family.md; 10 to 30 minutes each on one core

BASE is a folder, a GGUF file or a known base. The data are 16 people of the fictional cinema; training and unlearning take few
steps, so this shows that a family works and what it costs, and nothing about how well it forgets.
"""

import argparse
import platform
import sys
import tempfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.demo.world import make_world  # noqa: E402
from core.models.hub import resolve  # noqa: E402
from core.pipeline.prepare import Scratch, prepare  # noqa: E402
from core.pipeline.stages import STAGES  # noqa: E402
from core.runs.handle import RunHandle  # noqa: E402
from core.runs.requests import open_request  # noqa: E402
from core.runs.submit import create_run  # noqa: E402
from core.runs.worker import work  # noqa: E402
from core.types import Group, RunState  # noqa: E402
from core.unlearning.training_types import Step  # noqa: E402
from core.workspace import WorkspaceSettings  # noqa: E402

STEPS, FORGOTTEN = 10, 2
TARGET = Path(__file__).with_suffix(".md")


def report(_name: str, step: Step) -> bool:
    print(f"training {step.number} of {step.total}", flush=True)
    return False


def finished_run(base: str, folder: Path) -> RunHandle:
    """A run of `cure` on a new workspace of this base."""
    settings = WorkspaceSettings(
        name="second family", data="core.demo.world", window=6, epochs=1, learning_rate=1e-3, rank=4, batch_size=4,
        base=base, ranking_titles=100,
    )  # fmt: skip
    workspace = prepare(
        make_world(films=40, people=16, ratings=(14, 14)), folder, settings, Scratch(held_out_share=0.2), report
    )
    request = open_request(workspace, workspace.user_split.training_users[:FORGOTTEN])
    run = create_run(workspace, request.id, "cure", "cpu", steps=STEPS)
    if work(run) is not RunState.DONE:
        sys.exit(f"The run on {base} is {run.status.state}: {run.status.message}")
    return run


def row(base: str, run: RunHandle) -> str:
    """Modules, time of each stage, memory and what changed."""
    begins = {event["stage"]: event["seconds"] for event in run.events() if event["kind"] == "stage"}
    times = [*begins.values(), run.status.seconds]
    seconds = dict(zip(begins, (later - one for one, later in pairwise(times)), strict=True))
    groups = Counter(one.group for one in run.groups or ())
    before, after = run.evaluation.original, run.evaluation.unlearned
    family = AutoConfig.from_pretrained(resolve(run.workspace.base), trust_remote_code=False).model_type
    cells = [
        f"{family} ({Path(base).name})", sum(groups.values()), *(f"{seconds.get(one, 0):.0f}" for one in STAGES),
        f"{run.status.peak_bytes / 1e9:.1f}", ", ".join(str(groups[one]) for one in Group),
        f"{before.forget_auc.value:.3f} to {after.forget_auc.value:.3f}",
        f"{before.test_auc.value:.3f} to {after.test_auc.value:.3f}",
    ]  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bases", nargs="+")
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    rows = []
    for base in parser.parse_args().bases:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(row(base, finished_run(base, Path(folder) / "workspace")))
    head = [
        "base",
        "modules",
        *(f"{one}, s" for one in STAGES),
        "peak GB",
        ", ".join(Group),
        "forgotten AUC",
        "test AUC",
    ]
    lines = [
        "# Other pretrained families, end to end", "",
        f"`python benchmarks/real_family.py BASE ...`. 16 people of the fictional cinema with 14 ratings, {FORGOTTEN} of them "
        f"forgotten with `cure` in {STEPS} steps, seed 0; seconds of each stage of the run. So few rows and steps say nothing about "
        f"quality. {platform.machine()}, 1 thread, Python {platform.python_version()}, torch {torch.__version__}, transformers "
        f"{transformers.__version__}.", "",
        f"| {' | '.join(head)} |", "| --- " * len(head) + "|", *rows, "",
    ]  # fmt: skip
    TARGET.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
