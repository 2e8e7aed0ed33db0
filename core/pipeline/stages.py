"""The order of the stages: request -> split -> circuit -> groups -> unlearning -> evaluation -> report."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from core.circuit.attribution import Attribution
from core.circuit.counterfactuals import WAYS, contrasts
from core.circuit.extraction import Settings as CircuitSettings
from core.circuit.extraction import extract, save
from core.circuit.hooks import Contrast
from core.data.splits import single_targets
from core.evaluation.evaluate import ModelOutputs
from core.evaluation.what_if import toward
from core.grouping.regroup import regrouped, sort
from core.models.families import anatomy
from core.models.recommender import Recommender, save_adapter
from core.pipeline.compare_models import compared, evaluate_model
from core.pipeline.context import RequestContext, fresh_adapter, load_adapter, make_context
from core.report.build import make_report
from core.types import (  # fmt: skip
    Circuit,
    DirectEffect,
    Evaluation,
    Group,
    ModuleGroup,
    Outcome,
    Prompt,
    Request,
    RunSpec,
)
from core.unlearning.finetuning import fit
from core.unlearning.gradient_conflict import conflicts
from core.unlearning.memory_contrast import memories
from core.unlearning.methods import Method, method_of
from core.unlearning.paired_losses import Material
from core.unlearning.trainer import Checkpointer, Step
from core.unlearning.unlearn import unlearn
from core.utils.hashing import sha256_of_file
from core.utils.sampling import evenly_spaced
from core.workspace import Workspace
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS

CIRCUIT_PROMPTS = 36
CIRCUIT_HISTORY = 12
TOWARD_PEOPLE = 8
# Rough shares of a run's time, so that its progress moves evenly.
STAGES = {
    "loading": 0.10,
    "contrast prompts": 0.02,
    "circuit": 0.12,
    "groups": 0.02,
    "unlearning": 0.37,
    "evaluation": 0.36,
    "report": 0.01,
}


Found = tuple[tuple[Circuit, Circuit], tuple[ModuleGroup, ...]]


class RunObserver(Protocol):
    """Who watches a run. Each call may raise Cancelled."""

    def stage(self, name: str) -> None: ...

    def progress(self, share: float) -> None: ...

    def step(self, step: Step) -> None: ...

    def keep(self, name: str, value: Any) -> None: ...

    def kept(self) -> Found | None:
        """The circuits and groups that a broken-off attempt at this run had found."""


class Clock:
    """Announces each stage and keeps how long it took."""

    def __init__(self, watch: RunObserver) -> None:
        self.watch, self.started, self.name = watch, time.monotonic(), ""
        self.seconds: dict[str, float] = {}

    def stage(self, name: str) -> None:
        now = time.monotonic()
        if self.name:
            self.seconds[self.name] = now - self.started
        self.name, self.started = name, now
        self.watch.stage(name)


def run(workspace: Workspace, spec: RunSpec, folder: Path, watch: RunObserver, keeper: Checkpointer) -> None:
    """Execute one run from its spec; results go to `watch.keep` as soon as they are there, the adapter to `folder`.

    A run that was broken off takes its circuits and groups from `watch.kept`, its trainings go on where `keeper` has them,
    and everything else is done again.
    """
    clock = Clock(watch)
    method = method_of(spec.method, spec.steps)
    clock.stage("loading")
    request = workspace.request(spec.request)
    recommender = load_adapter(workspace, workspace.path(workspace.settings.adapter), spec.device)
    watch.keep("model", recommender)
    context = make_context(workspace, request, recommender.tokenizer)
    original = evaluate_model(recommender, context, lists=True)
    circuits, groups = _circuit_stages(recommender, context, method, spec, folder, clock, watch)
    clock.stage("unlearning")
    unlearned, outcome = _unlearn(recommender, context, method, groups, spec, watch, keeper)
    save_adapter(unlearned.model, folder / "adapter")
    watch.keep("adapter", {name: sha256_of_file(folder / "adapter" / name) for name in (WEIGHTS, ADAPTER_CONFIG)})
    watch.keep("outcome", outcome)
    clock.stage("evaluation")
    evaluation = _evaluate(unlearned, original, context, spec.device, watch)
    watch.keep("evaluation", evaluation)
    clock.stage("report")
    reports = make_report(
        spec, request, workspace.settings, workspace.items, circuits, groups, evaluation, clock.seconds,
        str(recommender.device), str(recommender.dtype).removeprefix("torch."),
    )  # fmt: skip
    watch.keep("report", reports)


def reference(
    workspace: Workspace, request: Request, seed: int, device: str, folder: Path, watch: Callable[[Step], bool]
) -> None:
    """Train one reference into `folder`: the adapter's own recipe from the same base, without the request's data."""
    recommender = fresh_adapter(workspace, device, seed)
    context = make_context(workspace, request, recommender.tokenizer)
    fit(recommender.model, context.encode(context.split.retain), replace(context.recipe, seed=seed), watch)
    save_adapter(recommender.model, folder)


def _circuit_stages(
    recommender: Recommender,
    context: RequestContext,
    method: Method,
    spec: RunSpec,
    folder: Path,
    clock: Clock,
    watch: RunObserver,
) -> tuple[tuple[Circuit, Circuit] | None, tuple[ModuleGroup, ...]]:
    """Contrast prompts, circuits and groups; methods that do not look inside treat every module as shared."""
    if not method.grouped:
        return None, ()
    if found := watch.kept():
        return found
    if spec.edit:
        clock.stage("groups")
        source = context.workspace.root / "runs" / spec.edit.source
        circuits, groups = regrouped(source, spec.edit)
        for name in ("circuit.safetensors", "toward.json"):
            shutil.copyfile(source / name, folder / name)
        watch.keep("circuits", circuits)
        watch.keep("groups", groups)
        return circuits, groups
    circuits, scores = find_circuits(recommender, context, spec.seed, clock, watch)
    save(folder / "circuit.safetensors", *scores)
    watch.keep("circuits", circuits)
    watch.keep("toward", _toward(recommender, context))
    clock.stage("groups")
    groups = sort_modules(recommender, context, circuits, scores, spec.seed)
    watch.keep("groups", groups)
    return circuits, groups


def sort_modules(
    recommender: Recommender,
    context: RequestContext,
    circuits: tuple[Circuit, Circuit],
    scores: tuple[Attribution, Attribution],
    seed: int,
) -> tuple[ModuleGroup, ...]:
    """The groups by circuit, each module with the conflict of its gradients."""
    forget_set, retain_set = (
        context.encode(evenly_spaced(list(prompts), 64)) for prompts in (context.split.forget, context.split.retain)
    )
    return sort(circuits, scores, conflicts(recommender.model, forget_set, retain_set), seed)


def find_circuits(
    recommender: Recommender,
    context: RequestContext,
    seed: int,
    clock: Clock,
    watch: RunObserver,
    ways: Sequence[str] = WAYS,
) -> tuple[tuple[Circuit, Circuit], tuple[Attribution, Attribution]]:
    """The circuits of the forget and the retain set with their scores."""
    clock.stage("contrast prompts")
    pairs = []
    for done, prompts in enumerate((context.split.forget, context.split.retain), 1):
        pairs.append(contrast_prompts(recommender, context, prompts, seed, ways=ways))
        watch.progress(done / 2)
    clock.stage("circuit")
    settings, model = CircuitSettings(seed=seed), recommender.model
    forget, forget_scores = extract(model, pairs[0], settings, lambda share: watch.progress(share / 2))
    retain, retain_scores = extract(model, pairs[1], settings, lambda share: watch.progress(0.5 + share / 2))
    return (forget, retain), (forget_scores, retain_scores)


def _toward(recommender: Recommender, context: RequestContext) -> tuple[DirectEffect, ...]:
    """What each module writes toward for the people of the request."""
    users = dict.fromkeys(prompt.user for prompt in context.split.forget)
    histories = [context.histories[user] for user in evenly_spaced(list(users), TOWARD_PEOPLE)]
    return toward(context.what_if(recommender), histories)


def contrast_prompts(
    recommender: Recommender,
    context: RequestContext,
    prompts: Sequence[Prompt],
    seed: int,
    count: int = CIRCUIT_PROMPTS,
    ways: Sequence[str] = WAYS,
) -> tuple[Contrast, ...]:
    """At most `count` contrasts for a set of prompts, each with one target and a short history."""
    singles = evenly_spaced(single_targets(prompts, CIRCUIT_HISTORY), count)
    catalogue = list(context.workspace.items.values())
    found, _ = contrasts(
        recommender.model, singles, context.train, catalogue, context.encode, recommender.choices, seed, ways=ways
    )
    return found


def _unlearn(
    recommender: Recommender,
    context: RequestContext,
    method: Method,
    groups: Sequence[ModuleGroup],
    spec: RunSpec,
    watch: RunObserver,
    keeper: Checkpointer,
) -> tuple[Recommender, Outcome]:
    def stepped(step: Step) -> bool:
        watch.step(step)
        return False

    if method.retrain:
        anew = fresh_adapter(context.workspace, spec.device, spec.seed)
        watch.keep("model", anew)
        recipe = replace(context.recipe, seed=spec.seed)
        fit(anew.model, context.encode(context.split.retain), recipe, stepped, keeper)
        return anew, Outcome(0, "trained anew without the forget set", 0, 0)
    material = make_material(recommender, context)
    kinds = {group.module: group.group for group in groups} or plain_groups(
        recommender, material, method, spec.seed, watch
    )
    return recommender, unlearn(recommender.model, material, kinds, method, spec.seed, stepped, keeper)


def plain_groups(
    recommender: Recommender, material: Material, method: Method, seed: int, watch: RunObserver
) -> dict[str, Group]:
    """The groups of a method that needs no circuit: by memory contrast, which `watch` keeps, or every module shared."""
    if method.groups == "memory":
        found = memories(recommender.model, material.forget, material.holdout, seed)
        watch.keep("memory", found)
        return {one.module: one.group for one in found}
    return dict.fromkeys(anatomy(recommender.model).modules, Group.SHARED)


def make_material(recommender: Recommender, context: RequestContext) -> Material:
    """What unlearning may see of a request, as tokens."""
    split = context.split
    return Material(
        *(context.encode(prompts) for prompts in (split.forget, split.retain, split.validation, split.holdout)),
        choices=recommender.choices,
    )


def _evaluate(
    unlearned: Recommender, original: ModelOutputs, context: RequestContext, device: str, watch: RunObserver
) -> Evaluation:
    def begun(share: float, reference: Recommender) -> None:
        watch.keep("model", reference)
        watch.progress(share)

    return compared(unlearned, original, context, device, begun)
