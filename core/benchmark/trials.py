"""One scene in memory, and each method's way through it, measured at several points."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import fmean
from typing import Any

import psutil
import torch
from torch import Tensor

from core.benchmark.entrants import Entrant, Kinds, Setting, with_setting
from core.benchmark.gradient_groups import by_gradient
from core.benchmark.results import Row
from core.evaluation.evaluate import RANKED_USERS, ModelOutputs, metrics
from core.evaluation.metrics import beside_others, calibration_error, closeness, prediction_auc, reach
from core.models.lora_layout import layout
from core.models.recommender import ADAPTER, Recommender, adapter_weights, put_adapter_weights
from core.pipeline.circuit_stage import find_circuits, sort_modules
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.pipeline.events import Clock, NullObserver
from core.pipeline.stages import make_material, plain_groups
from core.types import Group, Outcome, Prompt, Request
from core.unlearning.finetuning import fit
from core.unlearning.methods import Method
from core.unlearning.paired_losses import Material
from core.unlearning.teachers import OVERFIT
from core.unlearning.trainer import Step
from core.unlearning.unlearn import unlearn
from core.utils.sampling import evenly_spaced
from core.workspace import Workspace

STEPS = (12, 24, 48)  # most steps of a run: the strengths of what goes step by step
REACHED = (1.0, 2.0, 3.0)  # the reaches of a merged method that are looked at
STRENGTHS = (0.75, 0.5, 0.25, 0.0)
STRANGERS = 25  # holdout people that are asked
NEGATIONS = (0.25, 0.5, 1.0, 2.0)
MIB = 2**20


@dataclass
class Scene:
    """A scene with everything asked once: the original's and the references' answers; groups are kept once found."""

    recommender: Recommender
    context: RequestContext
    material: Material
    original: ModelOutputs
    references: list[ModelOutputs]
    weights: dict[str, Tensor]
    kind: str
    found: dict[object, tuple[Kinds, float]] = field(default_factory=dict)

    def restore(self) -> None:
        """The original adapter, bit for bit."""
        put_adapter_weights(self.recommender.model, self.weights)

    def ask(self, ranked: int = RANKED_USERS) -> ModelOutputs:
        return evaluate_model(self.recommender, self.context, ranked=ranked)

    def row(self, method: str, seen: ModelOutputs, references: list[ModelOutputs] | None = None, **told: Any) -> Row:
        """What was measured of one model, against all references or against the given ones."""
        settings = self.context.workspace.settings
        blank = dict.fromkeys(
            ("rate", "weight", "strength", "circuit_seconds", "seconds", "memory", "moved", "conflict"), 0.0
        )
        values: dict[str, Any] = {
            **{"data": settings.name, "task": str(settings.task), "kind": self.kind, "seed": settings.seed},
            **{"method": method, "stopped": True, **blank, **told},
            **measured(seen, self.original, self.references if references is None else references),
        }
        return Row(**values)


def load_scene(workspace: Workspace, request: Request, device: str) -> Scene:
    """Load the models and ask the original and every reference."""
    recommender = load_adapter(workspace, workspace.path(workspace.settings.adapter), device)
    context = make_context(workspace, request, recommender.tokenizer)
    context = replace(context, split=replace(context.split, holdout=_of_few(context.split.holdout)))
    folders = workspace.reference_folders(request.id)
    references = [evaluate_model(load_adapter(workspace, str(folder), device), context, ranked=0) for folder in folders]
    material, weights = make_material(recommender, context), adapter_weights(recommender.model)
    return Scene(
        recommender, context, material, evaluate_model(recommender, context), references, weights, request.reason
    )


def _of_few(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """The prompts of at most STRANGERS people, evenly spread: asking all takes longer than all else."""
    people = list(dict.fromkeys(prompt.user for prompt in prompts))
    chosen = set(evenly_spaced(people, STRANGERS))
    return tuple(prompt for prompt in prompts if prompt.user in chosen)


def measured(seen: ModelOutputs, original: ModelOutputs, references: list[ModelOutputs]) -> dict[str, float]:
    """All measures of one model as plain numbers."""
    told, before = metrics(seen, draws=0), original.forget.probabilities
    others = [one.forget.probabilities for one in references]
    near = closeness(seen.forget.probabilities, before, others)
    theirs = fmean(prediction_auc(one.forget) for one in references)
    names = ("forget_auc", "membership_auc", "holdout_auc", "test_auc", "test_log_loss", "hit_rate", "ndcg")
    return {
        **{name: getattr(told, name).value for name in names},
        **{name: getattr(near, name) for name in ("residual", "jsd", "half_kl")},
        "drift": _drift(seen, original, references),
        "reach": reach(seen.forget.probabilities, before, others),
        "forget_gap": told.forget_auc.value - theirs,
        "calibration_error": calibration_error(seen.test),
    }


def _drift(seen: ModelOutputs, original: ModelOutputs, references: Sequence[ModelOutputs]) -> float:
    """The residual on kept people's test rows: over 1, the model went further from a retrained one than it was."""
    return closeness(
        seen.test.probabilities, original.test.probabilities, [one.test.probabilities for one in references]
    ).residual


def baselines(scene: Scene) -> Iterator[Row]:
    """What needs no unlearning: the original, each reference against the others, the adapter weakened."""
    yield scene.row("original", scene.original)
    for number, (one, others) in enumerate(beside_others(scene.references)):
        yield scene.row("reference", one, others, strength=float(number))
    plan = layout(scene.recommender.model)
    before = plan.weights()
    for strength in STRENGTHS:
        plan.write(before * strength)
        yield scene.row("weakened", scene.ask(), strength=1 - strength)
    scene.restore()


def negation(scene: Scene, seed: int) -> Iterator[Row]:
    """Task-vector negation (arXiv 2212.04089, section 3): away from where over-fitting on the forget set leads."""
    model, meter = scene.recommender.model, Meter(scene.recommender.device)
    model.set_adapter(ADAPTER)
    fit(model, scene.material.forget, replace(OVERFIT, seed=seed))
    meter.pause()
    ahead = {name: value - scene.weights[name] for name, value in adapter_weights(model).items()}
    for strength in NEGATIONS:
        put_adapter_weights(model, {name: value - strength * ahead[name] for name, value in scene.weights.items()})
        yield scene.row("negation", scene.ask(), strength=strength, seconds=meter.seconds, moved=1.0)
    scene.restore()


def trial(scene: Scene, name: str, contestant: Entrant, setting: Setting, seed: int) -> Iterator[Row]:
    """One method on one scene, at several strengths. Its own rule may end a run earlier."""
    kinds, circuit_seconds = groups_of(scene, contestant, seed)
    method = with_setting(contestant.method, setting)
    told: dict[str, Any] = {"rate": setting[0], "weight": setting[1], "circuit_seconds": circuit_seconds}
    runs = _reaches if method.merged else _lengths
    yield from runs(scene, partial(scene.row, name, **told), kinds, method, seed)


def _lengths(scene: Scene, row: Callable[..., Row], kinds: Kinds, method: Method, seed: int) -> Iterator[Row]:
    """One run for each number of steps: its strength."""
    for steps in STEPS:
        conflict: list[float] = []
        meter = Meter(scene.recommender.device)
        outcome = unlearn(
            scene.recommender.model, scene.material, kinds, replace(method, steps=steps), seed, _noted(conflict)
        )
        meter.pause()
        longest = steps == STEPS[-1]
        seen = scene.ask(RANKED_USERS if longest else 0)  # ranking costs the most
        scene.restore()
        yield row(seen, strength=float(steps), stopped=longest, conflict=fmean(conflict), **_cost(meter, outcome))


def _reaches(scene: Scene, row: Callable[..., Row], kinds: Kinds, method: Method, seed: int) -> Iterator[Row]:
    """One run, looked at where its line search passes a strength, and where it ends."""
    passed: dict[float, ModelOutputs] = {}
    last: dict[str, float] = {}
    meter = Meter(scene.recommender.device)

    def watch(step: Step) -> bool:
        last.update(step.losses)
        if step.losses.get("reach") in REACHED:
            meter.pause()
            passed[step.losses["reach"]] = scene.ask(0)
            meter.go_on()
        return False

    outcome = unlearn(scene.recommender.model, scene.material, kinds, method, seed, watch)
    meter.pause()
    end, told = scene.ask(), {"conflict": last["conflict"], **_cost(meter, outcome)}
    scene.restore()
    for strength, seen in passed.items():
        yield row(seen, strength=strength, stopped=False, **told)
    yield row(end, strength=last["reach"], **told)


def _cost(meter: "Meter", outcome: Outcome) -> dict[str, float]:
    return {"seconds": meter.seconds, "memory": meter.memory, "moved": outcome.movable / outcome.total}


def _noted(conflict: list[float]) -> Callable[[Step], bool]:
    """Watches a run and keeps the share of cells in conflict at each step."""

    def watch(step: Step) -> bool:
        conflict.append(step.losses.get("conflict", 0.0))
        return False

    return watch


def groups_of(scene: Scene, contestant: Entrant, seed: int) -> tuple[Kinds, float]:
    """The groups of a contestant and the seconds that finding them takes; the same ones are found once."""
    method, key = contestant.method, (contestant.method.groups, contestant.ways)
    if key not in scene.found:
        started = time.perf_counter()
        fresh = (
            _circuit_groups(scene, contestant.ways, seed)
            if method.grouped
            else plain_groups(scene.recommender, scene.material, method, seed, NullObserver())
        )
        scene.found[key] = fresh, time.perf_counter() - started
    kinds, seconds = scene.found[key]
    if contestant.by_gradient:
        kinds = by_gradient(scene.recommender.model, scene.material, kinds)
    return contestant.regroup(kinds, random.Random(seed)), seconds


def _circuit_groups(scene: Scene, ways: tuple[str, ...], seed: int) -> dict[str, Group]:
    circuits = find_circuits(scene.recommender, scene.context, seed, Clock(NullObserver()), ways)
    groups = sort_modules(scene.recommender, scene.context, circuits)
    return {one.module: one.group for one in groups}


class Meter:
    """Seconds of the work alone, and its memory in MiB."""

    def __init__(self, device: torch.device) -> None:
        self.cuda, self.seconds, self.memory = device.type == "cuda", 0.0, 0.0
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(device)
        self.started = self._now()

    def pause(self) -> None:
        self.seconds += self._now() - self.started
        held = torch.cuda.max_memory_allocated() if self.cuda else psutil.Process().memory_info().rss
        self.memory = max(self.memory, held / MIB)

    def go_on(self) -> None:
        self.started = self._now()

    def _now(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
