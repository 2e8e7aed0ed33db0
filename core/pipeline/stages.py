"""The stages of a run: from a request to an unlearned adapter, its evaluation and its report.

`run` loads the model, takes four steps and builds the report:

1. Find the circuits of the forget set and of the retain set (`find_circuits`; docs/method.md, section 2).
   Result: CircuitResult, with the bootstrap over prompts. Stages "contrast prompts" and "circuit".
2. Assign a group to each module: forget, retain, shared or outside (`group_by_circuit`; section 3).
   Result: GroupingResult. Stage "groups".
3. Unlearn the forget set in the adapter, each module by the rule of its group (`_unlearn`; sections 4 and 5).
   Result: UnlearningResult. Stage "unlearning".
4. Evaluate the unlearned model beside the original and the retrained references (`_evaluate`; section 6).
   Result: Evaluation. Stage "evaluation".

Methods without circuits skip step 1 and the stage “groups”; those by memory contrast group the modules at the start of
step 3. A run with edited groups takes the circuits of step 1 from an earlier run. A run of another tool's adapter
(method "external") loads it in step 3 instead of unlearning, without the stage “unlearning”.
Each result goes to the observer of the run as an event (core/pipeline/events.py); nothing here writes a file of a run.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import nn

from core.errors import RunError
from core.evaluation.evaluate import ModelOutputs
from core.grouping.assign import GroupingResult
from core.grouping.regroup import load_circuits, load_direct_effects, regroup_circuits
from core.models import distributed
from core.models.lora_layout import cell_groups, layout
from core.models.recommender import Recommender, round_adapter
from core.pipeline.circuit_stage import find_circuits, find_direct_effects, group_by_circuit
from core.pipeline.compare_models import compare_models, evaluate_model
from core.pipeline.context import RequestContext, fresh_adapter, load_adapter, make_context
from core.pipeline.events import (
    CircuitsFound,
    DataRead,
    DirectEffectsFound,
    Evaluated,
    GroupsAssigned,
    ModelLoaded,
    ReportBuilt,
    RetrainingStarted,
    RunObserver,
    StageTimer,
    StepTaken,
    Unlearned,
)
from core.pipeline.kept_answers import KeptAnswers
from core.pipeline.memory_stage import groups_without_circuits
from core.pipeline.training_inputs import training_inputs
from core.report.build import make_report
from core.report.summary import summarise
from core.types import Evaluation, Group, GroupEdit, ModuleGroup, Outcome, Request, RunSpec
from core.unlearning.finetuning import finetune
from core.unlearning.methods import Method, method_of, recorded_method
from core.unlearning.training_types import Checkpointer, Step, UnlearningPrompts
from core.unlearning.unlearn import unlearn_adapter
from core.workspace import Workspace

STAGES = {  # approximate share of a run's time, so that its progress moves evenly
    "loading": 0.01,
    "original": 0.09,
    "contrast prompts": 0.02,
    "circuit": 0.12,
    "groups": 0.02,
    "unlearning": 0.37,
    "evaluation": 0.36,
    "report": 0.01,
}


@dataclass(frozen=True)
class UnlearningResult:
    """Result of the unlearning stage.

    Attributes:
        recommender: The model with the unlearned adapter; for "retrain" another model than the original.
        outcome: Steps, the reason for the end, and how far each cell moved.
    """

    recommender: Recommender
    outcome: Outcome


@dataclass(frozen=True)
class _Job:
    """One run at work: the inputs that all steps share."""

    spec: RunSpec
    method: Method
    recommender: Recommender
    context: RequestContext
    timer: StageTimer
    checkpointer: Checkpointer

    @property
    def observer(self) -> RunObserver:
        return self.timer.observer


def run(
    workspace: Workspace,
    spec: RunSpec,
    request: Request,
    observer: RunObserver,
    checkpointer: Checkpointer,
    kept: KeptAnswers,
) -> None:
    """Execute one run.

    A resumed run takes its circuits and groups from `observer.earlier_result`, and its trainings continue from the
    newest checkpoints. All other stages are computed again.

    Args:
        workspace: The workspace with the base model and the adapter.
        spec: What to run, and on which device.
        request: The request, as the caller read and checked it.
        observer: Receives the results. It may raise CancelledError to stop the run.
        checkpointer: Stores and restores the state of the trainings.
        kept: Keeps the answers of the references.
    """
    timer = StageTimer(observer)
    timer.stage("loading")
    job = _load(workspace, spec, request, timer, checkpointer)
    timer.stage("original")
    original = evaluate_model(job.recommender, job.context, lists=True, progress=timer.progress)
    grouping = _find_groups(job)
    unlearned = _load_external(job) if spec.is_external else _unlearned(job, grouping)
    timer.stage("evaluation")
    evaluation = _evaluate(job, unlearned, original, kept)
    observer.on_event(Evaluated(evaluation))
    timer.stage("report")
    observer.on_event(_build_report(job, grouping, evaluation))


def _load(workspace: Workspace, spec: RunSpec, request: Request, timer: StageTimer, checkpointer: Checkpointer) -> _Job:
    """Load the original model and the data of the request."""
    method = recorded_method(spec.method) if spec.is_external else method_of(spec.method, spec.steps)
    recommender = load_adapter(workspace, str(workspace.adapter), spec.device)
    timer.observer.on_event(ModelLoaded(recommender))
    context = make_context(workspace, request, recommender.tokenizer)
    timer.observer.on_event(DataRead(recommender.adapter_digests, context.split))
    return _Job(spec, method, recommender, context, timer, checkpointer)


def _find_groups(job: _Job) -> GroupingResult:
    """Steps 1 and 2 of a run, or what an earlier attempt at it found; empty for a method without circuits."""
    if not job.method.needs_circuits:
        return GroupingResult(None, ())
    if earlier := job.observer.earlier_result():
        return earlier
    found = _edited_groups(job, job.spec.edit) if job.spec.edit else _groups_by_circuit(job)
    job.observer.on_event(GroupsAssigned(found.groups))
    return found


def _groups_by_circuit(job: _Job) -> GroupingResult:
    """Find the circuits of this request and group the modules by them."""
    result = find_circuits(job.recommender, job.context, job.spec.seed, job.timer)
    job.observer.on_event(CircuitsFound(result.circuits, result.scores))
    job.observer.on_event(DirectEffectsFound(find_direct_effects(job.recommender, job.context)))
    job.timer.stage("groups")
    return GroupingResult(result.circuits, group_by_circuit(job.recommender, job.context, result))


def _edited_groups(job: _Job, edit: GroupEdit) -> GroupingResult:
    """Group the modules of an earlier run's circuits by a reviewer's edit."""
    job.timer.stage("groups")
    source, read = job.context.workspace.layout.run(edit.source), job.observer.read_source
    result = load_circuits(source, read)
    job.observer.on_event(CircuitsFound(result.circuits, result.scores))
    job.observer.on_event(DirectEffectsFound(load_direct_effects(source, read)))
    return regroup_circuits(result, source, edit, read)


def _load_external(job: _Job) -> Recommender:
    """Step 3 of a run that was given its adapter: load it from the run's folder, which keeps it bit for bit.

    Raises:
        RunError: It is not the one that was handed in.
    """
    workspace, spec = job.context.workspace, job.spec
    recommender = load_adapter(workspace, str(workspace.layout.run(spec.id).adapter), spec.device)
    if spec.adapter and spec.adapter != recommender.adapter_digests:
        raise RunError(f"The adapter of run {spec.id!r} is not the one that was handed in: hand it in again.")
    job.observer.on_event(ModelLoaded(recommender))
    return recommender


def _unlearned(job: _Job, grouping: GroupingResult) -> Recommender:
    """Step 3, and its result as it is stored."""
    result = _unlearn(job, grouping.groups)
    round_adapter(result.recommender.model, job.context.workspace.settings.adapter_dtype)
    job.observer.on_event(Unlearned(result.recommender, result.outcome))
    return result.recommender


def _unlearn(job: _Job, module_groups: Sequence[ModuleGroup]) -> UnlearningResult:
    """Step 3: unlearn the forget set in the adapter, or retrain the adapter without it."""

    def stepped(step: Step) -> bool:
        job.observer.on_event(StepTaken(step))
        return False

    if job.method.retrain:
        return _retrain(job, stepped)
    prompts = encode_unlearning_prompts(job.recommender, job.context)
    groups = {row.module: row.group for row in module_groups} or groups_without_circuits(
        job.recommender, prompts, job.method, job.spec.seed, job.timer
    )
    job.timer.stage("unlearning")
    _check_reach(job.recommender.model, groups)
    outcome = unlearn_adapter(
        job.recommender.model, prompts, groups, job.method, job.spec.seed, stepped, job.checkpointer
    )
    return UnlearningResult(job.recommender, outcome)


def _check_reach(model: nn.Module, groups: Mapping[str, Group]) -> None:
    """Require something to change: an adapter of a few layers may reach no module that serves the forgotten data."""
    serving = {Group.FORGET, Group.SHARED}
    if serving & set(groups.values()) and not serving & set(cell_groups(layout(model).cells, groups)):
        raise RunError(
            "The adapter reaches no module that serves the forgotten data, so no step would change anything: choose a "
            "method that changes all modules alike, or retrain."
        )


def _retrain(job: _Job, stepped: Callable[[Step], bool]) -> UnlearningResult:
    """Train a new adapter on the retain set, from the start of the original one, with an order of its own."""
    job.timer.stage("unlearning")
    recommender = fresh_adapter(job.context.workspace, job.spec.device, job.context.workspace.settings.seed)
    job.observer.on_event(ModelLoaded(recommender))
    _bind_to_inputs(job)
    recipe = replace(job.context.finetune_settings, seed=job.spec.seed)
    finetune(recommender.model, job.context.encode(job.context.split.retain), recipe, stepped, job.checkpointer)
    return UnlearningResult(recommender, Outcome(0, "retrained without the forget set", 0, 0))


def _bind_to_inputs(job: _Job) -> None:
    """Tell what a retraining learns from, and continue no checkpoint of one that learned from something else.

    Raises:
        RunError: Another process of the run read other data.
    """
    inputs = training_inputs(job.context)
    if not distributed.is_same_everywhere(inputs):
        raise RunError("The data changed while the processes of this run read them: resume the run.")
    job.checkpointer.bind(inputs)
    job.observer.on_event(RetrainingStarted(inputs))


def encode_unlearning_prompts(recommender: Recommender, context: RequestContext) -> UnlearningPrompts:
    """Encode the parts of a request's split that unlearning may read."""
    split = context.split
    return UnlearningPrompts(
        *(context.encode(prompts) for prompts in (split.forget, split.retain, split.validation, split.holdout)),
        choices=recommender.choices,
        learning_rate=context.workspace.settings.learning_rate,
    )


def _evaluate(job: _Job, unlearned: Recommender, original: ModelOutputs, kept: KeptAnswers) -> Evaluation:
    """Step 4: compare the unlearned model with the original and the retrained references."""
    return compare_models(
        unlearned, original, job.context, job.spec.device, kept,
        lambda reference: job.observer.on_event(ModelLoaded(reference)), job.timer.progress,
    )  # fmt: skip


def _build_report(job: _Job, grouping: GroupingResult, evaluation: Evaluation) -> ReportBuilt:
    workspace, recommender = job.context.workspace, job.recommender
    summary = summarise(
        job.spec,
        job.context.request,
        workspace.items,
        grouping.groups,
        evaluation,
        method_title=job.method.title,
        memory_contrast=job.method.uses_memory_contrast,
        given_adapter=workspace.has_given_adapter,
    )
    html, reviewer_html, numbers = make_report(
        job.spec,
        job.context.request,
        workspace.settings,
        summary,
        grouping.circuits,
        grouping.groups,
        evaluation,
        job.timer.seconds,
        str(recommender.device),
        str(recommender.dtype).removeprefix("torch."),
    )
    return ReportBuilt(html, reviewer_html, numbers)
