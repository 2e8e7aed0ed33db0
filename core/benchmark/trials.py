"""One scenario in memory, and one entrant in it, measured at several points of its run."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean
from typing import Any

from torch import Tensor

from core.benchmark.entrants import Entrant, Groups, Setting, with_setting
from core.benchmark.gradient_groups import by_gradient
from core.benchmark.meter import Meter
from core.benchmark.results import Result
from core.evaluation.evaluate import RANKED_USERS, ModelOutputs, metrics
from core.evaluation.metrics import calibration_error, closeness, leave_one_out, prediction_auc, reach
from core.models.lora_layout import layout
from core.models.recommender import ADAPTER, Recommender, adapter_weights, put_adapter_weights
from core.pipeline.circuit_stage import find_circuits, group_by_circuit
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.pipeline.events import NullObserver, StageTimer
from core.pipeline.memory_stage import groups_without_circuits
from core.pipeline.stages import encode_unlearning_prompts
from core.types import Group, Outcome, Prompt, Request
from core.types.results import METRIC_NAMES
from core.unlearning.finetuning import finetune
from core.unlearning.methods import Method
from core.unlearning.teachers import OVERFIT
from core.unlearning.training_types import Step, UnlearningPrompts
from core.unlearning.unlearn import unlearn_adapter
from core.utils.sampling import evenly_spaced
from core.workspace import Workspace

STEPS = (12, 24, 48)  # most steps of each run of a method that trains step by step
MEASURED_MULTIPLES = (1.0, 2.0, 3.0)  # multiples of a method's combined vector at which it is measured
WEAKENED_FACTORS = (0.75, 0.5, 0.25, 0.0)  # factors of the weakened adapter
HELD_OUT_USERS = 25  # evaluated; all of them would take longer than everything else
NEGATIONS = (0.25, 0.5, 1.0, 2.0)  # factors of the negated task vector


@dataclass
class Scenario:
    """A scenario in memory, with the outputs of the original and of the references.

    Attributes:
        recommender: Base model with the original adapter.
        context: The request's split, prompts and histories.
        prompts: Encoded prompts that unlearning may use.
        original: Outputs of the original model.
        references: Outputs of each reference.
        weights: Weights of the original adapter by name.
        kind: Kind of request.
        found: Groups and the seconds that finding them took, by the settings that determine them.
    """

    recommender: Recommender
    context: RequestContext
    prompts: UnlearningPrompts
    original: ModelOutputs
    references: list[ModelOutputs]
    weights: dict[str, Tensor]
    kind: str
    found: dict[object, tuple[Groups, float]] = field(default_factory=dict)

    def restore(self) -> None:
        """Restore the original adapter bit for bit."""
        put_adapter_weights(self.recommender.model, self.weights)

    def evaluate(self, ranked: int = RANKED_USERS) -> ModelOutputs:
        """Outputs of the model as it is now; items are ranked for `ranked` users."""
        return evaluate_model(self.recommender, self.context, ranked=ranked)

    def row(
        self, method: str, outputs: ModelOutputs, references: list[ModelOutputs] | None = None, **values: Any
    ) -> Result:
        """The result of one model.

        Args:
            method: Name of the entrant.
            outputs: Outputs of the model.
            references: References to compare with; all of them by default.
            values: Further columns; those left out are 0, or True for `stopped`.
        """
        settings = self.context.workspace.settings
        columns: dict[str, Any] = dict.fromkeys(
            ("rate", "weight", "strength", "circuit_seconds", "seconds", "peak_mib", "movable_share", "conflict"), 0.0
        )
        columns |= {"data": settings.name, "task": str(settings.task), "kind": self.kind, "seed": settings.seed}
        columns |= {"method": method, "stopped": True, **values}
        columns |= measured(outputs, self.original, self.references if references is None else references)
        return Result(**columns)


def load_scenario(workspace: Workspace, request: Request, device: str) -> Scenario:
    """Load the models and evaluate the original and every reference."""
    recommender = load_adapter(workspace, str(workspace.adapter), device)
    context = make_context(workspace, request, recommender.tokenizer)
    prompts = encode_unlearning_prompts(recommender, context)
    context = replace(context, split=replace(context.split, holdout=_of_few(context.split.holdout)))
    folders = workspace.reference_folders(request.id)
    references = [evaluate_model(load_adapter(workspace, str(folder), device), context, ranked=0) for folder in folders]
    original, weights = evaluate_model(recommender, context), adapter_weights(recommender.model)
    return Scenario(recommender, context, prompts, original, references, weights, request.reason)


def _of_few(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """The prompts of at most HELD_OUT_USERS evenly spaced users."""
    users = list(dict.fromkeys(prompt.user for prompt in prompts))
    chosen = set(evenly_spaced(users, HELD_OUT_USERS))
    return tuple(prompt for prompt in prompts if prompt.user in chosen)


def measured(outputs: ModelOutputs, original: ModelOutputs, references: list[ModelOutputs]) -> dict[str, float]:
    """All metrics of one model by column.

    Args:
        outputs: Outputs of the model.
        original: Outputs of the original model.
        references: Outputs of the references.
    """
    values, before = metrics(outputs, draws=0), original.forget.probabilities
    others = [one.forget.probabilities for one in references]
    near = closeness(outputs.forget.probabilities, before, others)
    reference_auc = fmean(prediction_auc(one.forget) for one in references)
    return {
        **{name: getattr(values, name).value for name in METRIC_NAMES},
        **{name: getattr(near, name) for name in ("residual", "jsd", "half_kl")},
        "drift": _drift(outputs, original, references),
        "reach": reach(outputs.forget.probabilities, before, others),
        "forget_gap": values.forget_auc.value - reference_auc,
        "calibration_error": calibration_error(outputs.test),
    }


def _drift(outputs: ModelOutputs, original: ModelOutputs, references: Sequence[ModelOutputs]) -> float:
    """Residual on the test ratings of the other users."""
    return closeness(
        outputs.test.probabilities, original.test.probabilities, [one.test.probabilities for one in references]
    ).residual


def baselines(scenario: Scenario) -> Iterator[Result]:
    """Models without unlearning: the original, each reference against the others, and the weakened adapter."""
    yield scenario.row("original", scenario.original)
    for number, (one, others) in enumerate(leave_one_out(scenario.references)):
        yield scenario.row("reference", one, others, strength=float(number))
    plan = layout(scenario.recommender.model)
    before = plan.weights()
    for strength in WEAKENED_FACTORS:
        plan.write(before * strength)
        yield scenario.row("weakened", scenario.evaluate(), strength=1 - strength)
    scenario.restore()


def negation(scenario: Scenario, seed: int) -> Iterator[Result]:
    """Task-vector negation (arXiv 2212.04089, section 3): subtract the change made by over-fitting the forget set."""
    model, meter = scenario.recommender.model, Meter(scenario.recommender.device)
    model.set_adapter(ADAPTER)
    finetune(model, scenario.prompts.forget, replace(OVERFIT, seed=seed))
    meter.pause()
    vector = {name: value - scenario.weights[name] for name, value in adapter_weights(model).items()}
    for strength in NEGATIONS:
        put_adapter_weights(model, {name: value - strength * vector[name] for name, value in scenario.weights.items()})
        yield scenario.row("negation", scenario.evaluate(), strength=strength, seconds=meter.seconds, movable_share=1.0)
    scenario.restore()


def trial(scenario: Scenario, name: str, entrant: Entrant, setting: Setting, seed: int) -> Iterator[Result]:
    """One entrant in one scenario, at several strengths; its own stopping rule may end a run earlier.

    Args:
        scenario: The scenario; its adapter is restored afterwards.
        name: Name of the entrant.
        entrant: Method and its groups.
        setting: Learning rate and weight of the forget gradient.
        seed: Seed of every random choice.

    Yields:
        One result for each strength.
    """
    groups, circuit_seconds = groups_of(scenario, entrant, seed)
    method = with_setting(entrant.method, setting)
    row = partial(scenario.row, name, rate=setting[0], weight=setting[1], circuit_seconds=circuit_seconds)
    runs = _at_multiples if method.uses_task_vectors else _lengths
    yield from runs(scenario, row, groups, method, seed)


def _lengths(
    scenario: Scenario, row: Callable[..., Result], groups: Groups, method: Method, seed: int
) -> Iterator[Result]:
    """One run for each number of steps."""
    for steps in STEPS:
        conflict: list[float] = []
        meter = Meter(scenario.recommender.device)
        outcome = unlearn_adapter(
            scenario.recommender.model, scenario.prompts, groups, replace(method, steps=steps), seed, _noted(conflict)
        )
        meter.pause()
        longest = steps == STEPS[-1]
        outputs = scenario.evaluate(RANKED_USERS if longest else 0)  # ranking costs the most
        scenario.restore()
        yield row(outputs, strength=float(steps), stopped=longest, conflict=fmean(conflict), **_cost(meter, outcome))


def _at_multiples(
    scenario: Scenario, row: Callable[..., Result], groups: Groups, method: Method, seed: int
) -> Iterator[Result]:
    """One run, measured at each multiple of its combined vector that its line search passes, and at its end."""
    passed: dict[float, ModelOutputs] = {}
    last: dict[str, float] = {}
    meter = Meter(scenario.recommender.device)

    def watch(step: Step) -> bool:
        last.update(step.losses)
        if step.losses.get("reach") in MEASURED_MULTIPLES:
            meter.pause()
            passed[step.losses["reach"]] = scenario.evaluate(0)
            meter.resume()
        return False

    outcome = unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, method, seed, watch)
    meter.pause()
    end, costs = scenario.evaluate(), {"conflict": last["conflict"], **_cost(meter, outcome)}
    scenario.restore()
    for strength, outputs in passed.items():
        yield row(outputs, strength=strength, stopped=False, **costs)
    yield row(end, strength=last["reach"], **costs)


def _cost(meter: Meter, outcome: Outcome) -> dict[str, float]:
    return {"seconds": meter.seconds, "peak_mib": meter.peak_mib, "movable_share": outcome.movable / outcome.total}


def _noted(conflict: list[float]) -> Callable[[Step], bool]:
    """An observer that appends each step's share of cells in conflict to `conflict`."""

    def watch(step: Step) -> bool:
        conflict.append(step.losses.get("conflict", 0.0))
        return False

    return watch


def groups_of(scenario: Scenario, entrant: Entrant, seed: int) -> tuple[Groups, float]:
    """Find an entrant's groups; equal settings are computed once.

    Returns:
        Groups, and the seconds that finding them took.
    """
    method, key = entrant.method, (entrant.method.groups, entrant.strategies)
    if key not in scenario.found:
        started = time.perf_counter()
        fresh = (
            _circuit_groups(scenario, entrant.strategies, seed)
            if method.needs_circuits
            else groups_without_circuits(
                scenario.recommender, scenario.prompts, method, seed, StageTimer(NullObserver())
            )
        )
        scenario.found[key] = fresh, time.perf_counter() - started
    groups, seconds = scenario.found[key]
    if entrant.by_gradient:
        groups = by_gradient(scenario.recommender.model, scenario.prompts, groups)
    return entrant.regroup(groups, random.Random(seed)), seconds


def _circuit_groups(scenario: Scenario, strategies: tuple[str, ...], seed: int) -> dict[str, Group]:
    circuits = find_circuits(scenario.recommender, scenario.context, seed, StageTimer(NullObserver()), strategies)
    groups = group_by_circuit(scenario.recommender, scenario.context, circuits)
    return {one.module: one.group for one in groups}
