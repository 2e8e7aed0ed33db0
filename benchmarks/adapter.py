"""Benchmark of the adapter's worth: test AUC with the adapter off, at half strength and whole.

    python benchmarks/adapter.py [WORKSPACE ...]    writes benchmarks/adapter.md; a minute a workspace on one core

Without a workspace, the demo world is used.
"""

import platform
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.evaluation.metrics import interval, prediction_auc, select_rows  # noqa: E402
from core.evaluation.predictions import Predictions, predict  # noqa: E402
from core.models.lora_layout import layout  # noqa: E402
from core.pipeline.context import load_adapter, make_context  # noqa: E402
from core.types import Interval  # noqa: E402
from core.workspace import Workspace  # noqa: E402

STRENGTHS = (0.0, 0.5, 1.0)
PREAMBLE = (
    "Test AUC with the adapter off, at half strength and whole. A whole adapter that does not beat the base makes "
    "forgetting free: drop it. `python benchmarks/adapter.py assets/demo movielens`, where `movielens` is the "
    "workspace that README's "
    "`prepare` makes of ml-latest-small."
)


def looks(place: Workspace) -> list[Predictions]:
    """The test scores at each strength. Scaling what the layout's modules own scales every layer's delta."""
    recommender = load_adapter(place, str(place.adapter), "cpu")
    context = make_context(place, None, recommender.tokenizer)
    plan = layout(recommender.model)
    before, found = plan.weights(), []
    for strength in STRENGTHS:
        plan.write(before * strength)
        found.append(predict(recommender, context.split.test, context.reader))
    return found


def table(place: Workspace) -> list[str]:
    """One workspace's rows; differences are paired by bootstrapping the same users."""
    seen = looks(place)
    rows = [
        f"## {place.settings.name}", "",
        f"{len(np.unique(seen[-1].users))} people, {len(seen[-1].users):,} test rows; adapter of seed {place.settings.seed}.", "",
        "| adapter | test AUC | less the whole adapter |", "| --- | --- | --- |",
    ]  # fmt: skip
    for strength, scores in zip(STRENGTHS, seen, strict=True):
        value = interval(lambda part, own=scores: prediction_auc(select_rows(own, part)), scores.users)
        gap = interval(
            lambda part, own=scores: (
                prediction_auc(select_rows(own, part)) - prediction_auc(select_rows(seen[-1], part))
            ),
            scores.users,
        )
        rows.append(f"| x {strength:g} | {told(value)} | {told(gap) if strength < 1 else ''} |")
    return [*rows, ""]


def told(value: Interval) -> str:
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    places = [Workspace(folder) for folder in folders or [ROOT / "assets/demo"]]
    head = [
        "# Is the adapter worth having?", "", PREAMBLE, "",
        f"95 % intervals: bootstrap over people, seed 0. torch {torch.__version__}, transformers "
        f"{transformers.__version__}, Python {platform.python_version()}, one core.", "",
    ]  # fmt: skip
    lines = [*head, *(line for place in places for line in table(place))]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
