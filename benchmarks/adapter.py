"""Benchmark of the adapter: test AUC with the adapter off, at half strength and at full strength.

    python benchmarks/adapter.py [WORKSPACE ...]    writes benchmarks/adapter.md; one minute per workspace on one core

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
    "Test AUC with the adapter off, at half strength and at full strength. If the adapter does not improve on the "
    "base model, switching it off unlearns everything at no cost. Written by "
    "`python benchmarks/adapter.py assets/demo movielens`; `movielens` is the workspace that the README's `prepare` "
    "makes from ml-latest-small."
)


def predictions_by_strength(workspace: Workspace) -> list[Predictions]:
    """Predictions of the test set at each strength: the layout's weights are scaled, and with them every LoRA update."""
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, None, recommender.tokenizer)
    plan = layout(recommender.model)
    full, predictions = plan.weights(), []
    for strength in STRENGTHS:
        plan.write(full * strength)
        predictions.append(predict(recommender, context.split.test, context.prompt_setup))
    return predictions


def table(workspace: Workspace) -> list[str]:
    """Table of one workspace; both AUCs of a difference come from the same bootstrap sample of users."""
    by_strength = predictions_by_strength(workspace)
    rows = [
        f"## {workspace.settings.name}", "",
        f"{len(np.unique(by_strength[-1].users))} users, {len(by_strength[-1].users):,} test rows; adapter of seed {workspace.settings.seed}.", "",
        "| adapter strength | test AUC | difference from full strength |", "| --- | --- | --- |",
    ]  # fmt: skip
    for strength, scores in zip(STRENGTHS, by_strength, strict=True):
        value = interval(lambda part, own=scores: prediction_auc(select_rows(own, part)), scores.users)
        gap = interval(
            lambda part, own=scores: (
                prediction_auc(select_rows(own, part)) - prediction_auc(select_rows(by_strength[-1], part))
            ),
            scores.users,
        )
        rows.append(f"| {strength:g} | {format_interval(value)} | {format_interval(gap) if strength < 1 else ''} |")
    return [*rows, ""]


def format_interval(value: Interval) -> str:
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    workspaces = [Workspace(folder) for folder in folders or [ROOT / "assets/demo"]]
    head = [
        "# Is the adapter worth having?", "", PREAMBLE, "",
        f"95 % intervals: bootstrap over users, seed 0. torch {torch.__version__}, transformers "
        f"{transformers.__version__}, Python {platform.python_version()}, one core.", "",
    ]  # fmt: skip
    lines = [*head, *(line for workspace in workspaces for line in table(workspace))]
    Path(__file__).with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
