"""The order of the stages: request -> split -> circuit -> groups -> unlearning -> evaluation -> report."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor

from core.circuit.contrast import contrasts
from core.circuit.extract import Settings as CircuitSettings
from core.circuit.extract import extract, save
from core.circuit.passes import Contrast
from core.circuit.stability import members, resampled
from core.data.prompts import encode, escape, template
from core.data.split import by_user, make_split, single_targets, thirds
from core.evaluation.evaluate import Seen, compare, item_mean_auc, list_users, look
from core.evaluation.ranking import Reader
from core.grouping import Sample, group_modules
from core.models.families import anatomy
from core.models.recommender import Recommender, load, new_adapter, resolve, save_adapter
from core.report import make_report
from core.types import Circuit, Encoded, Evaluation, Group, ModuleGroup, Prompt, Request, RunSpec, Split, Task
from core.unlearning.conflict import conflicts
from core.unlearning.fit import FitSettings, fit
from core.unlearning.loop import Step
from core.unlearning.methods import METHODS, Method
from core.unlearning.unlearn import Material, Outcome, unlearn
from core.workspace import Workspace

CIRCUIT_PROMPTS = 36
CIRCUIT_HISTORY = 12
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


class Watch(Protocol):
    """Who watches a run. Each call may raise Cancelled."""

    def stage(self, name: str) -> None: ...

    def progress(self, share: float) -> None: ...

    def step(self, step: Step) -> None: ...

    def keep(self, name: str, value: Any) -> None: ...


@dataclass(frozen=True)
class Context:
    """What every stage reads: the workspace's data as the request leaves it, and how to read it as tokens."""

    workspace: Workspace
    request: Request
    split: Split
    encode: Callable[[Sequence[Prompt]], list[Encoded]]
    reader: Reader

    @property
    def recipe(self) -> FitSettings:
        settings = self.workspace.settings
        return FitSettings(settings.epochs, settings.learning_rate, settings.batch_size, seed=settings.seed)


def run(workspace: Workspace, spec: RunSpec, folder: Path, watch: Watch) -> None:
    """Execute one run from its spec; results go to `watch.keep` as soon as they are there, the adapter to `folder`."""
    clock = _Clock(watch)
    method = METHODS[spec.method]
    method = replace(method, steps=spec.steps or method.steps)
    clock.stage("loading")
    request = workspace.request(spec.request)
    recommender = load_adapter(workspace, workspace.path(workspace.settings.adapter), spec.device)
    watch.keep("device", (str(recommender.device), str(recommender.dtype).removeprefix("torch.")))
    context = make_context(workspace, request, recommender.tokenizer)
    original = _look(recommender, context)
    circuits, groups = _circuit_stages(recommender, context, method, spec.seed, folder, clock, watch)
    clock.stage("unlearning")
    unlearned, outcome = _unlearn(recommender, context, method, groups, spec, watch)
    save_adapter(unlearned.model, folder / "adapter")
    watch.keep("outcome", outcome)
    clock.stage("evaluation")
    evaluation = _evaluate(unlearned, original, context, watch)
    watch.keep("evaluation", evaluation)
    clock.stage("report")
    html, summary = make_report(
        spec, request, workspace.settings, workspace.items, circuits, groups, evaluation, clock.seconds,
        str(recommender.device), str(recommender.dtype).removeprefix("torch."),
    )  # fmt: skip
    watch.keep("report", (html, summary))


def reference(
    workspace: Workspace, request: Request, seed: int, device: str, folder: Path, watch: Callable[[Step], bool]
) -> None:
    """Train one reference into `folder`: the adapter's own recipe from the same base, without the request's data."""
    recommender = fresh_adapter(workspace, device, seed)
    context = make_context(workspace, request, recommender.tokenizer)
    fit(recommender.model, context.encode(context.split.retain), replace(context.recipe, seed=seed), watch)
    save_adapter(recommender.model, folder)


def load_adapter(workspace: Workspace, adapter: str | None, device: str) -> Recommender:
    """The workspace's base model with one of its adapters."""
    settings, words = workspace.settings, template(workspace.settings.task)
    return load(
        workspace.path(settings.base), adapter, settings.task, (words.yes, words.no), device, settings.base_revision
    )


def fresh_adapter(workspace: Workspace, device: str, seed: int) -> Recommender:
    """The workspace's base model with a new, untrained adapter."""
    settings, plain = workspace.settings, load_adapter(workspace, None, device)
    base = resolve(workspace.path(settings.base), settings.base_revision)
    return replace(plain, model=new_adapter(plain.model, settings.rank, base, seed))


def make_context(workspace: Workspace, request: Request | None, tokenizer: Any) -> Context:
    """The split of a request and the functions that turn its prompts into tokens."""
    settings = workspace.settings
    titles = {item.id: escape(item.title) for item in workspace.items.values()}
    split = make_split(workspace.interactions, workspace.roles, request, settings.window, settings.task)
    counts: dict[str, int] = dict.fromkeys(workspace.items, 0)
    for prompt in split.retain:
        for event in prompt.targets:
            counts[event.item] += 1
    popular = tuple(sorted(counts, key=lambda item: (-counts[item], item)))

    def to_tokens(prompts: Sequence[Prompt]) -> list[Encoded]:
        return encode(prompts, titles, settings.task, tokenizer)

    return Context(workspace, request or Request(""), split, to_tokens, Reader(to_tokens, popular, settings.window))


def _circuit_stages(
    recommender: Recommender, context: Context, method: Method, seed: int, folder: Path, clock: "_Clock", watch: Watch
) -> tuple[tuple[Circuit, Circuit] | None, tuple[ModuleGroup, ...]]:
    """Contrast prompts, circuits and groups; methods that do not look inside treat every module as shared."""
    if not method.grouped:
        return None, ()
    clock.stage("contrast prompts")
    pairs = {}
    for name, prompts in (("forget", context.split.forget), ("retain", context.split.retain)):
        pairs[name] = contrast_prompts(recommender, context, prompts, seed)
        watch.progress(0.5 if name == "forget" else 1.0)
    clock.stage("circuit")
    settings = CircuitSettings(seed=seed)
    forget, forget_scores = extract(
        recommender.model, pairs["forget"], settings, lambda share: watch.progress(share / 2)
    )
    retain, retain_scores = extract(
        recommender.model, pairs["retain"], settings, lambda share: watch.progress(0.5 + share / 2)
    )
    save(folder / "circuit.safetensors", forget_scores, retain_scores)
    watch.keep("circuits", (forget, retain))
    clock.stage("groups")
    forget_set, retain_set = (
        context.encode(spread(list(prompts), 64)) for prompts in (context.split.forget, context.split.retain)
    )
    conflict = conflicts(recommender.model, forget_set, retain_set)
    forget_sample = _sample(forget, forget_scores.nodes, seed)
    retain_sample = _sample(retain, retain_scores.nodes, seed + 1)
    groups = group_modules(forget, retain, forget_sample, retain_sample, conflict)
    watch.keep("groups", groups)
    return (forget, retain), groups


def _sample(circuit: Circuit, nodes: Tensor, seed: int) -> Sample:
    means = resampled(nodes, seed)
    return Sample(means, members(means, len(circuit.members)))


def contrast_prompts(
    recommender: Recommender, context: Context, prompts: Sequence[Prompt], seed: int, count: int = CIRCUIT_PROMPTS
) -> tuple[Contrast, ...]:
    """At most `count` contrasts for a set of prompts, each with one target and a short history."""
    singles = spread(single_targets(prompts, CIRCUIT_HISTORY), count)
    interactions = [event for prompt in context.split.retain + context.split.forget for event in prompt.targets]
    answers = (recommender.yes, recommender.no) if recommender.task is Task.CLICK else None
    found, _ = contrasts(
        recommender.model, singles, interactions, list(context.workspace.items.values()), context.encode, answers, seed
    )
    return found


def _unlearn(
    recommender: Recommender,
    context: Context,
    method: Method,
    groups: Sequence[ModuleGroup],
    spec: RunSpec,
    watch: Watch,
) -> tuple[Recommender, Outcome]:
    def stepped(step: Step) -> bool:
        watch.step(step)
        return False

    if method.retrain:
        anew = fresh_adapter(context.workspace, spec.device, spec.seed)
        fit(anew.model, context.encode(context.split.retain), replace(context.recipe, seed=spec.seed), stepped)
        return anew, Outcome(0, "trained anew without the forget set", 0, 0)
    split = context.split
    material = Material(
        *(context.encode(prompts) for prompts in (split.forget, split.retain, split.validation, split.holdout))
    )
    kinds = {group.module: group.group for group in groups} or dict.fromkeys(
        anatomy(recommender.model).modules, Group.SHARED
    )
    return recommender, unlearn(recommender.model, material, kinds, method, spec.seed, stepped)


def _evaluate(unlearned: Recommender, original: Seen, context: Context, watch: Watch) -> Evaluation:
    """Ask the unlearned model and every reference the same questions, then compare."""
    folders = context.workspace.reference_folders(context.request.id)
    seen = [_look(unlearned, context)]
    for number, folder in enumerate(folders, 1):
        watch.progress(number / (len(folders) + 1))
        model = load_adapter(context.workspace, str(folder), str(unlearned.device))
        seen.append(_look(model, context, lists=number == 1))  # only the first one's lists are shown
    crowd = set(context.workspace.roles.crowd)
    extra = [event for event in context.workspace.interactions if event.user in crowd]
    item_mean = item_mean_auc(context.split.retain, extra, context.split.test)
    return compare(original, seen[0], seen[1:], context.split, item_mean)


def _look(recommender: Recommender, context: Context, lists: bool = True) -> Seen:
    histories = by_user(context.workspace.interactions, recommender.task)
    train = {user: thirds(histories[user])[0] for user in context.workspace.roles.members}
    return look(
        recommender,
        context.split,
        context.reader,
        context.workspace.items,
        train,
        list_users(context.split) if lists else (),
    )


def spread(values: list, count: int) -> list:
    """At most `count` values, evenly spread over the list."""
    return values if len(values) <= count else [values[i * len(values) // count] for i in range(count)]


class _Clock:
    """Announces each stage and keeps how long it took."""

    def __init__(self, watch: Watch) -> None:
        self.watch, self.started, self.name = watch, time.monotonic(), ""
        self.seconds: dict[str, float] = {}

    def stage(self, name: str) -> None:
        now = time.monotonic()
        if self.name:
            self.seconds[self.name] = now - self.started
        self.name, self.started = name, now
        self.watch.stage(name)
