"""Benchmark of one CURE step against one ordinary LoRA training step on the same prompts.

    python benchmarks/step.py [WORKSPACE ...]    writes benchmarks/step.md

Without a workspace, the demo world is used.
"""

import platform
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers
from torch import nn

from core.models.batching import answer_logits, answer_loss, collate
from core.models.families import anatomy
from core.models.lora_layout import cell_groups, layout
from core.models.recommender import ADAPTER
from core.pipeline.context import load_adapter, make_context
from core.pipeline.stages import encode_unlearning_prompts
from core.types import Encoded, Group
from core.unlearning.gradient_unlearning import UnlearningStep, only_trainable
from core.unlearning.methods import METHODS
from core.unlearning.paired_losses import PairLosses
from core.unlearning.training_types import UnlearningPrompts
from core.workspace import Workspace

ROOT = Path(__file__).parent.parent
PAIRS, WARM = 60, 5
METHOD = METHODS["cure"]


def seconds_of(work: Callable[[], object]) -> float:
    """Seconds of `work`, GPU included."""
    started = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started


class Cure:
    """One CURE step as in a run. The modules are assigned to the four groups in turn, so that every rule is used."""

    def __init__(self, model: nn.Module, prompts: UnlearningPrompts) -> None:
        self.plan = layout(model)
        groups = {name: list(Group)[i % 4] for i, name in enumerate(anatomy(model).modules)}
        self.losses = PairLosses(model, self.plan, prompts, groups, METHOD, 0)
        self.model, self.groups = model, cell_groups(self.plan.cells, groups)
        self.gradients = UnlearningStep(self.losses, self.plan, self.groups, METHOD)
        self.lookahead_seconds: list[float] = []
        self.optimizer = torch.optim.SGD(self.plan.parameters.values(), lr=1e-6)

    def prompts(self, number: int) -> list:
        """Prompts of step `number`. The predictions of the original model are computed ahead and timed separately."""
        if not self.losses.ahead:
            started = time.perf_counter()
            self.losses.ahead = self.losses._look_ahead()
            self.lookahead_seconds.append((time.perf_counter() - started) / len(self.losses.ahead))
        self.losses.rng = random.Random(number)
        chosen = self.losses._draw(self.losses.forget, random.Random(number))
        return [self.losses.forget[i] for i in chosen] + [self.losses.retain[i] for i in self.losses.ahead[0][0]]

    def step(self, prompts: list) -> float:  # noqa: ARG002 - signature of `LoraTraining.step`
        """Seconds of one step."""
        with only_trainable(self.model, self.plan, False):
            return seconds_of(lambda: (self.optimizer.zero_grad(), self.gradients(0), self.optimizer.step()))


class LoraTraining:
    """One step of ordinary LoRA training: one forward and backward pass over both batches, AdamW over A and B."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        model.set_adapter(ADAPTER)
        self.parameters = [p for name, p in model.named_parameters() if "lora_" in name]
        self.optimizer = torch.optim.AdamW(self.parameters, lr=1e-6)

    def step(self, prompts: list) -> float:
        """Seconds of one step."""
        for parameter in self.parameters:
            parameter.requires_grad_(True)
        return seconds_of(lambda: self._train(prompts))

    def _train(self, chosen: list[Encoded]) -> None:
        self.optimizer.zero_grad()
        batch = collate(chosen, self.model.device)
        loss = answer_loss(answer_logits(self.model, batch), batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        loss.item()
        self.optimizer.step()


def row(workspace: Workspace) -> str:
    """Row of one workspace: steps are timed in pairs with alternating order; the interval is a bootstrap over pairs."""
    recommender = load_adapter(workspace, str(workspace.adapter), "auto")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    cure = Cure(recommender.model, encode_unlearning_prompts(recommender, context))
    training = LoraTraining(recommender.model)
    pairs = []
    for number in range(WARM + PAIRS):
        first, second = (cure, training) if number % 2 else (training, cure)
        prompts = cure.prompts(number)
        times = {type(one): one.step(prompts) for one in (first, second)}
        pairs.append((times[Cure], times[LoraTraining]))
    data = np.array(pairs[WARM:])
    rng = np.random.default_rng(0)
    ratio = lambda rows: np.median(data[rows, 0]) / np.median(data[rows, 1])  # noqa: E731
    low, high = np.quantile([ratio(rng.integers(PAIRS, size=PAIRS)) for _ in range(1000)], [0.025, 0.975])
    cure_ms, training_ms = (1000 * statistics.median(data[:, side]) for side in (0, 1))
    return (
        f"| {workspace.settings.name} | {recommender.device} | {cure_ms:.1f} | {training_ms:.1f} | "
        f"{ratio(np.arange(PAIRS)):.3f} [{low:.3f}, {high:.3f}] | {1000 * statistics.mean(cure.lookahead_seconds):.1f} |"
    )


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    rows = [row(Workspace(folder)) for folder in folders or [ROOT / "assets/demo"]]
    lines = [
        "# Cost of a CURE step", "",
        f"Median of {PAIRS} CURE steps, batch {METHOD.batch_size} + {METHOD.batch_size}, and of {PAIRS} ordinary "
        "LoRA training steps (AdamW over A and B) on the same prompts in one batch, timed in turn in one process. The "
        "last column is separate: the predictions of the original model for retained prompts, computed for twenty "
        "steps at once. Step k draws its prompts with seed k; 95 % bootstrap interval over pairs of steps, seed 0. "
        "Written by `python benchmarks/step.py WORKSPACE ...`. "
        f"torch {torch.__version__}, transformers {transformers.__version__}, Python "
        f"{platform.python_version()}, one core.",
        "", "| workspace | device | CURE, ms | LoRA training, ms | ratio of medians, 95 % interval | predictions of the original, ms per step |", "| --- " * 6 + "|", *rows, "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
