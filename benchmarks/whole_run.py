"""Benchmark of a whole unlearning run against one retraining of the adapter without the request's data.

    python benchmarks/whole_run.py [WORKSPACE ...]    writes benchmarks/whole_run.md; 8 minutes per workspace on one core

Without a workspace, the demo world is used. The request is the workspace's first one; without one, 5 % of the
training users are forgotten (seed 0 of the unlearning benchmark).
"""

import platform
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.entrants import ENTRANTS  # noqa: E402
from core.benchmark.report_tables import format_interval  # noqa: E402
from core.benchmark.scenarios import open_request  # noqa: E402
from core.benchmark.statistics import mean_interval  # noqa: E402
from core.benchmark.trials import Scenario, groups_of, load_scenario  # noqa: E402
from core.pipeline.context import fresh_adapter  # noqa: E402
from core.unlearning.finetuning import finetune  # noqa: E402
from core.unlearning.unlearn import unlearn_adapter  # noqa: E402
from core.workspace import Workspace  # noqa: E402

REPEATS = 3
METHODS = ("cure", "cure_memory", "cure_merge", "merge_by_circuit")


def retraining(scenario: Scenario, seed: int) -> float:
    """Seconds of training one reference: the adapter's own recipe on the retain set."""
    context = scenario.context
    prompts = context.encode(context.split.retain)
    model = fresh_adapter(context.workspace, "auto", seed).model
    started = time.perf_counter()
    finetune(model, prompts, replace(context.finetune_settings, seed=seed))
    return time.perf_counter() - started


def run(scenario: Scenario, name: str, seed: int) -> tuple[float, float]:
    """Seconds to find the groups, and seconds to unlearn, with teacher and stopping checks."""
    entrant = ENTRANTS[name]
    scenario.found.clear()
    groups, finding = groups_of(scenario, entrant, seed)
    started = time.perf_counter()
    unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, entrant.method, seed)
    seconds = time.perf_counter() - started
    scenario.restore()
    return finding, seconds


def table(workspace: Workspace) -> list[str]:
    """Table of one workspace. Each seed times one retraining and then every method."""
    scenario = load_scenario(
        workspace, next(iter(workspace.requests()), None) or open_request(workspace, "random", 0), "auto"
    )
    times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in METHODS}
    trainings = []
    for seed in range(REPEATS):
        trainings.append(retraining(scenario, seed))
        for name in METHODS:
            finding, unlearning = run(scenario, name, seed)
            times[name].append((finding, unlearning, (finding + unlearning) / trainings[-1]))
    lines = [
        f"## {workspace.settings.name}", "",
        f"{len(scenario.prompts.forget)} prompts in the forget set, {len(scenario.prompts.retain)} in the retain set, "
        f"{workspace.settings.epochs} epochs; "
        f"{scenario.recommender.device}. One retraining: {format_interval(mean_interval(trainings), 1)} s.", "",
        "| method | finding the groups, s | unlearning, s | share of one retraining |", "| --- | --- | --- | --- |",
    ]  # fmt: skip
    for name, rows in times.items():
        cells = (
            format_interval(mean_interval([row[part] for row in rows]), digits) for part, digits in enumerate((1, 1, 3))
        )
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    lines = [line for folder in folders or [ROOT / "assets/demo"] for line in table(Workspace(Path(folder)))]
    head = [
        "# Cost of a whole run", "",
        "Time to find the groups and to unlearn, with teacher, training and stopping checks, against one retraining "
        f"without the request's data. Neither includes loading and evaluation. Means over {REPEATS} seeds, measured in "
        "turn in one process; ± is the half-width of Student's 95 % interval. "
        f"Written by `python benchmarks/whole_run.py WORKSPACE ...`. torch {torch.__version__}, transformers "
        f"{transformers.__version__}, "
        f"Python {platform.python_version()}, one core.", "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join([*head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
