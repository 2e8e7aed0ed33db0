"""Adapters whose groups of people write to their own ranks: what it costs, and what is left of a group that is removed.

    python benchmarks/routed.py FOLDER [WORKSPACE] [--scenes 5] [--groups 4] [--references 2]

People are divided into groups at random, and one group is forgotten: its ranks are set to zero, which takes no training.
Three adapters of the same rank and recipe are compared: a plain one, one whose gradients are routed to the groups' ranks,
and a stack of ranks that each group trained alone (rank_groups.py), scaled by the factor with the lowest validation loss.
What is left is measured against models of the same form that were trained again without the group; of the stack no such
models are needed, since its remaining ranks are those of a stack without the group, to the bit. Written to routed_WORLD.md.

FOLDER may be that of locality.py and keeps all results. On one core in the demo world, a scene takes 12 minutes.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from known_models import FIRST_SCENE, report  # noqa: E402
from rank_groups import Weights, only_ranks, ranks_of, train_routed, without  # noqa: E402

from core.benchmark.report_tables import format_interval  # noqa: E402
from core.benchmark.scenarios import CREATED, make_scenario, slug  # noqa: E402
from core.benchmark.statistics import mean_interval  # noqa: E402
from core.evaluation.metrics import prediction_auc  # noqa: E402
from core.evaluation.predictions import predict  # noqa: E402
from core.models.recommender import Recommender, adapter_weights, put_adapter_weights  # noqa: E402
from core.pipeline.context import RequestContext, fresh_adapter, load_adapter, make_context  # noqa: E402
from core.types import Prompt, Request  # noqa: E402
from core.unlearning.finetuning import finetune  # noqa: E402
from core.workspace import Workspace  # noqa: E402

DEMO = ROOT / "assets/demo"
FIRST_SEED = 101  # of the models that are trained again
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0)  # of a stack's ranks
COLUMNS = {
    "test_auc": ("others' test AUC", 3),
    "test_loss": ("others' log loss", 4),
    "forget_auc": ("AUC on the forgotten rows", 3),
    "auc_left": ("AUC left", 3),
    "loss_left": ("advantage left, nats", 3),
    "strangers_auc": ("strangers' AUC", 3),
    "seconds": ("seconds of training", 0),
}  # key of the row -> heading, decimals
HEAD = """# Ranks that belong to groups of people: {name}

One of {groups} groups of people is forgotten. `AUC left` and `advantage left` are measured against models of the same form that were
trained again without the group (the mean of {references}), so that 0 is exact; of these models
themselves it is the mean distance from each other. The plain original is given. Mean over {scenes} scenes with the half-width of
Student's 95 % interval. `python benchmarks/routed.py FOLDER{place} --scenes {scenes} --groups {groups} --references {references}`.
torch {torch}, Python {python}.
"""
Row = dict[str, Any]


class Scene:
    """The data and the base model of one scene, and one model into which all adapters are put."""

    def __init__(self, workspace: Workspace, number: int, groups: int) -> None:
        people = sorted(workspace.user_split.training_users)
        order = Random(number).sample(people, len(people))
        self.group_of = {user: place % groups for place, user in enumerate(order)}
        self.workspace, self.forgotten = workspace, number % groups
        self.masks = [ranks_of(group, groups, workspace.settings.rank) for group in range(groups)]
        self.recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
        users = tuple(user for user in people if self.group_of[user] == self.forgotten)
        request = Request("req-group", users=users, reason="group", created=CREATED)
        self.context = make_context(workspace, request, self.recommender.tokenizer)
        self.everybody = make_context(workspace, None, self.recommender.tokenizer)

    def rows(self, references: int) -> Iterator[Row]:
        """The rows of all three forms."""
        before, seeds = adapter_weights(self.recommender.model), range(FIRST_SEED, FIRST_SEED + references)
        yield from self._form("plain", before, None, [self._trained(False, self.context, seed) for seed in seeds])
        whole, seconds = self._trained(True, self.everybody, self.workspace.settings.seed)
        removed = without(whole, self.masks[self.forgotten])
        yield from self._form(
            "routed", whole, removed, [self._trained(True, self.context, seed) for seed in seeds], seconds
        )
        stack, seconds = self._stack()
        yield from self._stacked(stack, seconds)

    def _form(
        self,
        form: str,
        whole: Weights,
        removed: Weights | None,
        again: Sequence[tuple[Weights, float]],
        seconds: float = 0,
    ) -> Iterator[Row]:
        references = [self._measured(weights) for weights, _ in again]
        trained = fmean(spent for _, spent in again)
        for name, weights, spent in (("original", whole, seconds), ("group removed", removed, 0.0)):
            if weights is not None:
                yield self._row(form, name, self._measured(weights), references, spent)
        for number, one in enumerate(references):
            others = [*references[:number], *references[number + 1 :]]
            row = self._row(form, "trained again", one, others, trained)
            yield {**row, **{name: abs(row[name]) for name in ("auc_left", "loss_left")}}

    def _stacked(self, stack: Weights, seconds: float) -> Iterator[Row]:
        """The stack with and without the group, each with its own factor; without it is exact by construction."""
        removed = without(stack, self.masks[self.forgotten])
        exact = self._measured(self._scaled(removed))
        yield self._row("stacked", "original", self._measured(self._scaled(stack)), [exact], seconds)
        yield self._row("stacked", "group removed", exact, [exact], 0.0)

    @staticmethod
    def _row(form: str, model: str, found: Row, references: Sequence[Row], seconds: float) -> Row:
        left = {
            "auc_left": found["forget_auc"] - fmean(one["forget_auc"] for one in references),
            "loss_left": fmean(one["forget_loss"] for one in references) - found["forget_loss"],
        }
        return {"form": form, "model": model, **found, **left, "seconds": seconds}

    def _trained(self, routed: bool, context: RequestContext, seed: int) -> tuple[Weights, float]:
        """Train an adapter on the retain set of a context; return its weights and the seconds it took."""
        fresh, prompts = self._fresh(), context.split.retain
        settings, started = replace(context.finetune_settings, seed=seed), time.perf_counter()
        if routed:
            groups = [self.group_of[one.user] for one in prompts]
            train_routed(fresh.model, context.encode(prompts), groups, self.masks, settings)
        else:
            finetune(fresh.model, context.encode(prompts), settings)
        return adapter_weights(fresh.model), time.perf_counter() - started

    def _stack(self) -> tuple[Weights, float]:
        """The ranks of all groups, each trained alone; and the seconds of all trainings."""
        parts: dict[int, Weights] = {}
        started = time.perf_counter()
        for group, mask in enumerate(self.masks):
            fresh, own = self._fresh(), self._prompts_of(group)
            with only_ranks(fresh.model, mask):
                finetune(fresh.model, self.everybody.encode(own), self.everybody.finetune_settings)
            parts[group] = without(adapter_weights(fresh.model), 1 - mask)
        stack = {name: torch.stack([one[name] for one in parts.values()]).sum(0) for name in parts[0]}
        return stack, time.perf_counter() - started

    def _prompts_of(self, group: int) -> list[Prompt]:
        return [one for one in self.everybody.split.retain if self.group_of[one.user] == group]

    def _fresh(self) -> Recommender:
        return fresh_adapter(self.workspace, "cpu", self.workspace.settings.seed)

    def _scaled(self, stack: Weights) -> Weights:
        """The stack times the factor with the lowest validation loss."""

        def scaled(factor: float) -> Weights:
            return {name: value * factor if ".lora_B." in name else value for name, value in stack.items()}

        return min(map(scaled, FACTORS), key=self._validation_loss)

    def _validation_loss(self, weights: Weights) -> float:
        put_adapter_weights(self.recommender.model, weights)
        return float(self._predicted(self.context.split.validation).losses.mean())

    def _predicted(self, prompts: Sequence[Prompt]) -> Any:
        return predict(self.recommender, prompts, self.context.prompt_setup)

    def _measured(self, weights: Weights) -> Row:
        put_adapter_weights(self.recommender.model, weights)
        split = self.context.split
        forget, test, strangers = map(self._predicted, (split.forget, split.test, split.holdout))
        return {
            "test_auc": prediction_auc(test),
            "test_loss": float(test.losses.mean()),
            "forget_auc": prediction_auc(forget),
            "forget_loss": float(forget.losses.mean()),
            "strangers_auc": prediction_auc(strangers),
        }


def scene(source: Workspace, number: int, folder: Path, groups: int, references: int) -> list[Row]:
    """All rows of one scene, from FOLDER where it has them."""
    file = folder / f"routed-{number}.json"
    if not file.is_file():
        workspace = make_scenario(source, FIRST_SCENE + number, folder / f"scene-{number}", report)
        started = time.perf_counter()
        rows = list(Scene(workspace, number, groups).rows(references))
        file.write_text(json.dumps([{"scene": number, **row} for row in rows]))
        print(f"scene {number} in {time.perf_counter() - started:.0f} s", flush=True)
    return list(json.loads(file.read_text()))


def write(rows: Sequence[Mapping[str, Any]], name: str, options: argparse.Namespace, folder: Path) -> None:
    """Write the table of a workspace of this name into a folder."""
    lines = [
        HEAD.format(
            name=name, scenes=len({row["scene"] for row in rows}), groups=options.groups, references=options.references,
            place="" if options.workspace == DEMO else " WORKSPACE", torch=torch.__version__,
            python=platform.python_version(),
        )
    ]  # fmt: skip
    lines.append("| adapter | model | " + " | ".join(title for title, _ in COLUMNS.values()) + " |")
    lines.append("| --- " * (len(COLUMNS) + 2) + "|")
    for form, model in dict.fromkeys((row["form"], row["model"]) for row in rows):
        own = [row for row in rows if (row["form"], row["model"]) == (form, model)]
        cells = [format_interval(mean_interval(_by_scene(own, key)), digits) for key, (_, digits) in COLUMNS.items()]
        lines.append(f"| {form} | {model} | {' | '.join(cells)} |")
    target = folder / f"routed_{slug(name)}.md"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(target, flush=True)


def _by_scene(rows: Sequence[Mapping[str, Any]], key: str) -> list[float]:
    return [fmean(row[key] for row in rows if row["scene"] == one) for one in sorted({row["scene"] for row in rows})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=DEMO)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--groups", type=int, default=4)
    parser.add_argument("--references", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = Workspace(options.workspace)
    rows: list[Row] = []
    for number in range(options.scenes):
        rows += scene(source, number, options.folder, options.groups, options.references)
        write(rows, source.settings.name, options, Path(__file__).parent)


if __name__ == "__main__":
    main()
