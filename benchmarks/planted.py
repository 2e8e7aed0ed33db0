"""Localisers on planted truth: the modules that hold the forgotten people are known (written to planted_WORLD.md).

    python benchmarks/planted.py FOLDER [WORKSPACE] [--scenes 5] [--modules .2] [--draws 3]

In each scene of error_rates.py the adapter is trained once more by its own recipe, but the forgotten people's gradients
reach only the coordinates of a random fifth of the modules (gradient masking, as in gradient routing, arXiv 2410.04332);
everybody else's reach all. So what the model knows of them can only sit there. Each localiser of locality.py is then
scored by precision and recall, and unlearning with the true, the found and random coordinates is measured by the same
yardstick, at equal forgetting.

FOLDER may be that of locality.py. On one core in the demo world, a scene takes 4 minutes and each row about 10 seconds.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from known_models import train_scene  # noqa: E402
from locality import ALL, DEMO, Key, Row, Rows, Scene, common_options  # noqa: E402
from locality_choices import CHOICES, RANDOM, highest  # noqa: E402
from planted_table import write  # noqa: E402
from split_step import SplitStep  # noqa: E402

from core.benchmark.trials import Scenario, load_scenario  # noqa: E402
from core.evaluation.metrics import auc  # noqa: E402
from core.models.lora_layout import Layout, layout  # noqa: E402
from core.models.recommender import adapter_weights  # noqa: E402
from core.models.saved_adapter import save_adapter  # noqa: E402
from core.pipeline.compare_models import evaluate_model  # noqa: E402
from core.pipeline.context import fresh_adapter, load_adapter  # noqa: E402
from core.unlearning.finetuning import finetune  # noqa: E402
from core.workspace import Workspace  # noqa: E402

TRUE = "true"


def true_coordinates(plan: Layout, share: float, seed: int) -> Tensor:
    """1 at the coordinates of a random share of the modules, 0 at the others, flat [row, rank]."""
    chosen = set(Random(seed).sample(plan.modules, round(share * len(plan.modules))))
    cells = torch.tensor([float(set(owners) <= chosen) for owners in plan.cells])
    return cells[plan.cell_of][:, None].expand(plan.weights().shape).clone()


class RoutedStep(SplitStep):
    """Step of fine-tuning in which the gradients of some prompts reach only a part of the coordinates."""

    def __init__(self, *arguments: Any, masks: Mapping[nn.Parameter, Tensor], **options: Any) -> None:
        """Prepare a training.

        Args:
            *arguments: Those of AnswerLossStep.
            masks: 1 where the gradients of marked prompts reach a parameter, in its shape; 0 for those left out.
            **options: Those of SplitStep.
        """
        super().__init__(*arguments, **options)
        self.masks = masks

    def between(self) -> None:
        """Mask the gradients of the marked prompts."""
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad *= self.masks.get(parameter, 0.0)


def planted(scenario: Scenario, folder: Path, share: float, number: int) -> tuple[Scenario, Tensor]:
    """The scenario with an adapter whose forgotten people sit in known coordinates, and these, flat [row, rank]."""
    workspace, context = scenario.context.workspace, scenario.context
    recommender = fresh_adapter(workspace, "cpu", workspace.settings.seed)
    plan = layout(recommender.model)
    truth = true_coordinates(plan, share, number)
    if folder.is_dir():
        recommender = load_adapter(workspace, str(folder), "cpu")
    else:
        everybody = [*context.split.retain, *context.split.forget]
        routed = [index >= len(context.split.retain) for index in range(len(everybody))]
        masks = dict(zip(plan.parameters.values(), plan.parts(truth), strict=True))
        step = partial(RoutedStep, marked=routed, masks=masks)
        finetune(recommender.model, context.encode(everybody), context.finetune_settings, make_step=step)
        save_adapter(recommender.model, folder, workspace.settings.adapter_dtype)
    original, weights = evaluate_model(recommender, context), adapter_weights(recommender.model)
    return replace(scenario, recommender=recommender, original=original, weights=weights, found={}), truth


def found(scores: Tensor, truth: Tensor, seed: int) -> Row:
    """How well scores find the true coordinates, when as many are chosen as are true.

    Precision and recall are equal then; by chance they are the true share. The AUC does not depend on a number.
    """
    share = float(truth.mean())
    chosen = highest(scores, share, seed)
    return {
        "precision": float((chosen * truth).sum() / chosen.sum()),
        "localisation_auc": auc(scores[truth > 0].double().numpy(), scores[truth == 0].double().numpy()),
        "chance": share,
    }


def scene(source: Workspace, number: int, folder: Path, modules: float, draws: int) -> list[Row]:
    """All rows of one scene; those that FOLDER lacks are measured."""
    rows = Rows(folder / f"planted-{number}.jsonl")
    keys = [{"choice": one} for one in ("original", "reference")]
    keys += [{"choice": one, "draw": 0} for one in (ALL, TRUE, *CHOICES)]
    keys += [{"choice": one, "draw": draw} for one in RANDOM for draw in range(draws)]
    if missing := rows.missing(keys):
        plain = load_scenario(*train_scene(source, number, "random", folder), "cpu")
        scenario, truth = planted(plain, folder / f"planted-{number}", modules, number)
        whole, share = Scene(scenario, number), float(truth.mean())
        whole.scores[TRUE] = truth

        def measured(key: Key) -> Iterator[Row]:
            chosen = {} if key["choice"] in ("original", "reference", ALL) else {"share": share}
            for row in whole.rows(**key, **chosen):
                localised = found(whole.scores_of(key["choice"]), truth, number) if key["choice"] in CHOICES else {}
                yield {"chance": share, **row, **localised}

        rows.measure(number, missing, measured)
    return rows.rows


def main() -> None:
    parser = common_options(__doc__)
    parser.add_argument("--modules", type=float, default=0.2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source, options.is_demo = Workspace(options.workspace), options.workspace == DEMO
    rows: list[Row] = []
    for number in range(options.scenes):
        rows += scene(source, number, options.folder, options.modules, options.draws)
        write(rows, source.settings.name, options, Path(__file__).parent)


if __name__ == "__main__":
    main()
