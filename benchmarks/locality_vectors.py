"""Other changes of all coordinates, for locality.py: other methods, and vectors that are had without over-fitting.

Each gives what is subtracted, flat [row, rank]; locality.py scales it to equal forgetting. Two of them come from the
training of the original adapter, which is repeated for that.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from locality_choices import Inputs  # noqa: E402
from locality_kfac import influence_step  # noqa: E402
from split_step import SplitStep  # noqa: E402

from core.benchmark.entrants import ENTRANTS, MERGE  # noqa: E402
from core.benchmark.trials import groups_of  # noqa: E402
from core.models.lora_layout import Layout  # noqa: E402
from core.models.recommender import adapter_weights, preserve_adapter, put_adapter_weights  # noqa: E402
from core.pipeline.context import fresh_adapter, make_context  # noqa: E402
from core.unlearning.finetuning import BETAS, WARMUP, FinetuneSettings, finetune  # noqa: E402
from core.unlearning.gradient_unlearning import only_trainable  # noqa: E402
from core.unlearning.task_vectors import overfit_epochs  # noqa: E402
from core.unlearning.teachers import OVERFIT  # noqa: E402
from core.unlearning.trainer import Schedule  # noqa: E402
from core.unlearning.training_types import Losses, Step  # noqa: E402
from core.unlearning.unlearn import unlearn_adapter  # noqa: E402
from core.unlearning.weight_mean import WeightMean  # noqa: E402


def negation(inputs: Inputs) -> Tensor:
    """The task vector of the forget set alone (arXiv 2212.04089, section 3)."""
    return inputs.forget_vector


def by_method(name: str, inputs: Inputs) -> Tensor:
    """What a method of the benchmark changes, by its own groups, until its own stop."""
    scenario, plan = inputs.scenario, inputs.plan
    entrant, before = ENTRANTS[name], plan.weights()
    groups, _ = groups_of(scenario, entrant, inputs.seed)
    unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, entrant.method, inputs.seed)
    change = plan.weights() - before
    plan.write(before)
    return -change


def influence(inputs: Inputs) -> Tensor:
    """One Newton step away from the forget set, with a K-FAC curvature of the whole retain set."""
    scenario = inputs.scenario
    return -influence_step(
        scenario.recommender.model, inputs.plan, scenario.prompts.retain, inputs.forget_gradient
    )  # fmt: skip


class Trace(NamedTuple):
    """What the training of the original adapter tells.

    Attributes:
        half: The adapter's weights after half of the steps, by name.
        impact: The part of the change that the gradients of the forgotten people made, flat [row, rank].
        end: The adapter's weights, flat [row, rank]: those of the original.
    """

    half: dict[str, Tensor]
    impact: Tensor
    end: Tensor


class TracedStep(SplitStep):
    """Step of fine-tuning that adds up what the gradients of the marked prompts move.

    AdamW's step is linear in its first moment, so each prompt has its part of it: own first moment over the second
    moment of all.
    """

    def __init__(self, *arguments: Any, plan: Layout, settings: FinetuneSettings, **options: Any) -> None:
        """Prepare a training of all LoRA weights, of which those of `plan` are traced."""
        super().__init__(*arguments, **options)
        self.plan, self.rate = plan, settings.learning_rate
        self.schedule = Schedule(len(self.order), warmup=min(WARMUP, len(self.order) // 10), cosine=True)
        self.first, self.second, self.own, self.moved = (torch.zeros_like(plan.weights()) for _ in range(4))
        self.impact = nn.Parameter(torch.zeros_like(self.own), requires_grad=False)
        self.average = WeightMean([self.impact], self.mean.after)

    def __call__(self, step: int) -> Losses:
        """Fill `.grad`, and add what AdamW will make of the marked prompts' part of it."""
        losses = super().__call__(step)
        assert self.schedule.clip is not None
        norm = torch.nn.utils.get_total_norm([one.grad for one in self.parameters if one.grad is not None])
        clip = float((self.schedule.clip / (norm + 1e-6)).clamp(max=1.0))
        self.first = BETAS[0] * self.first + (1 - BETAS[0]) * clip * self.own
        self.second = BETAS[1] * self.second + (1 - BETAS[1]) * (clip * self._gradients()).square()
        first, second = self.first / (1 - BETAS[0] ** (step + 1)), self.second / (1 - BETAS[1] ** (step + 1))
        self.impact -= self.rate * self.schedule.share(step) * first / (second.sqrt() + 1e-8)
        self.average.add(step + 1)
        return losses

    def between(self) -> None:
        """Keep the gradients of the marked prompts."""
        self.own = self._gradients()

    def _gradients(self) -> Tensor:
        found = ((one, one.grad) for one in self.plan.parameters.values())
        return self.plan.flat([torch.zeros_like(one) if grad is None else grad for one, grad in found])


@lru_cache(maxsize=1)  # two vectors of one scenario
def trace(inputs: Inputs) -> Trace:
    """Train the original adapter once more, in the same order."""
    workspace = inputs.scenario.context.workspace
    users, model = {one.user for one in inputs.scenario.context.split.forget}, inputs.scenario.recommender.model
    fresh = fresh_adapter(workspace, "cpu", workspace.settings.seed)
    context = make_context(workspace, None, fresh.tokenizer)
    settings, steps, half = context.finetune_settings, [], {}

    def make_step(*arguments: Any) -> TracedStep:
        marked = [one.user in users for one in context.split.retain]
        steps.append(TracedStep(*arguments, plan=inputs.plan, settings=settings, marked=marked))
        return steps[0]

    def watch(step: Step) -> bool:
        if step.number == step.total // 2:
            half.update(adapter_weights(model))
        return False

    with preserve_adapter(model):
        put_adapter_weights(model, adapter_weights(fresh.model))
        finetune(model, context.encode(context.split.retain), settings, watch, make_step=make_step)
        steps[0].average.apply()
        return Trace(half, steps[0].impact.detach(), inputs.plan.weights())


def impact(inputs: Inputs) -> Tensor:
    """What the forgotten people's gradients moved while the original was trained, kept as one vector."""
    return trace(inputs).impact


def checkpoint(inputs: Inputs) -> Tensor:
    """The task vector of the forget set, from a checkpoint half-way through the original's training."""
    model, prompts = inputs.scenario.recommender.model, inputs.scenario.prompts
    settings = replace(
        OVERFIT,
        epochs=overfit_epochs(len(prompts.forget), MERGE),
        learning_rate=prompts.learning_rate,
        seed=inputs.seed,
    )
    half = trace(inputs).half
    with preserve_adapter(model), only_trainable(model, inputs.plan, checkpointing=False):
        put_adapter_weights(model, half)
        before = inputs.plan.weights()
        finetune(model, prompts.forget, settings)
        return inputs.plan.weights() - before


VECTORS: dict[str, Callable[[Inputs], Tensor]] = {
    "negation": negation,
    "gradient difference": partial(by_method, "graddiff"),
    "NPO": partial(by_method, "npo"),
    "cure": partial(by_method, "cure"),
    "cure_merge": partial(by_method, "cure_merge"),
    "influence step": influence,
    "impact vector": impact,
    "checkpoint vector": checkpoint,
}
