"""Models whose truth is known, for error_rates.py: see there."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.scenarios import make_scenario, open_request  # noqa: E402
from core.data.splits import by_user, windows  # noqa: E402
from core.evaluation.predictions import predict  # noqa: E402
from core.models.recommender import Recommender, adapter_weights, preserve_adapter, put_adapter_weights  # noqa: E402
from core.models.saved_adapter import save_adapter  # noqa: E402
from core.pipeline.collect_answers import collect_answers  # noqa: E402
from core.pipeline.context import RequestContext, fresh_adapter, load_adapter, make_context  # noqa: E402
from core.runs.references import FIRST_SEED, train_references  # noqa: E402
from core.types import Prompt, Request  # noqa: E402
from core.unlearning.finetuning import finetune  # noqa: E402
from core.unlearning.teachers import OVERFIT  # noqa: E402
from core.unlearning.training_types import Step  # noqa: E402
from core.verification.evidence import Answers  # noqa: E402
from core.workspace import Workspace  # noqa: E402

RETRAININGS = 6
FIRST_SCENE = 3001  # seed of the first scene's adapter
BISECTIONS = 8  # for the models between and beyond the original and the retrainings
MODELS = (
    "retraining",
    "original",
    "original, rescaled",
    "half forgotten",
    "half of the rows kept",
    "over-forgotten",
)
Weights = dict[str, torch.Tensor]
Models = dict[str, list[Answers]]  # one model of each name, or one for each retraining


def scene_answers(source: Workspace, number: int, kind: str, folder: Path) -> tuple[RequestContext, Models]:
    """Train the models of one scene and kind that FOLDER lacks, and collect the answers of all on the forgotten rows."""
    workspace, request = train_scene(source, number, kind, folder)
    half = train_on_half(workspace, request, folder / f"{number}-{kind}-half")
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, request, recommender.tokenizer)
    folders = workspace.reference_folders(request.id)
    retrained = [answers_of(one, context) for one in folders]
    return context, {
        "original": [collect_answers(recommender, context, False)],
        "original, rescaled": [rescaled_answers(context)],
        "retraining": retrained,
        "half forgotten": [half_way_answers(recommender, context, one) for one in folders],
        "half of the rows kept": [answers_of(half, context)],
        "over-forgotten": [over_forgotten_answers(recommender, context, retrained)],
    }


def train_scene(source: Workspace, number: int, kind: str, folder: Path) -> tuple[Workspace, Request]:
    """Train the adapter of a scene and the retrainings of one kind of request, where FOLDER lacks them."""
    workspace = make_scenario(source, FIRST_SCENE + number, folder / f"scene-{number}", report)
    request = open_request(workspace, kind, number)
    train_references(workspace, request.id, RETRAININGS, "cpu", lambda reference, step: report(f"{reference}", step))
    return workspace, request


def report(name: str, step: Step) -> bool:
    if step.number == step.total:
        print(name, flush=True)
    return False


def answers_of(folder: Path, context: RequestContext) -> Answers:
    return collect_answers(load_adapter(context.workspace, str(folder), "cpu"), context, False)


def train_on_half(workspace: Workspace, request: Request, folder: Path) -> Path:
    """Retrain on the retain set and on every second forgotten row of each user."""
    if not folder.is_dir():
        recommender = fresh_adapter(workspace, "cpu", workspace.settings.seed)
        context = make_context(workspace, request, recommender.tokenizer)
        kept = [*context.split.retain, *half_rows(context)]
        settings = replace(context.finetune_settings, seed=FIRST_SEED + RETRAININGS)
        finetune(recommender.model, context.encode(kept), settings)
        save_adapter(recommender.model, folder, workspace.settings.adapter_dtype)
    return folder


def half_rows(context: RequestContext) -> list[Prompt]:
    """Training prompts of every second forgotten row of each user, without the others."""
    settings = context.workspace.settings
    events = by_user((event for prompt in context.split.forget for event in prompt.targets), settings.task)
    return [prompt for own in events.values() for prompt in windows(own[::2], settings.window)]


def rescaled_answers(context: RequestContext) -> Answers:
    """Answers of the original with each A doubled and each B halved: other bytes, the same function."""
    recommender = load_adapter(context.workspace, str(context.workspace.adapter), "cpu")
    weights = adapter_weights(recommender.model)
    put_adapter_weights(
        recommender.model, {name: value * (2 if "lora_A" in name else 0.5) for name, value in weights.items()}
    )
    return collect_answers(recommender, context, False)


def half_way_answers(recommender: Recommender, context: RequestContext, retrained: Path) -> Answers:
    """Answers of weights between the original's and a retraining's, where the loss lies half-way."""
    original = adapter_weights(recommender.model)
    other = load_adapter(context.workspace, str(retrained), "cpu")
    step = difference(adapter_weights(other.model), original)
    goal = (loss(recommender, context) + loss(other, context)) / 2
    return answers_at(goal, step, 1.0, recommender, context)


def over_forgotten_answers(recommender: Recommender, context: RequestContext, retrained: Sequence[Answers]) -> Answers:
    """Answers of the original minus a multiple of the forgotten rows' task vector."""
    original = adapter_weights(recommender.model)
    epochs = -(-48 * OVERFIT.batch_size // max(1, len(context.split.forget)))
    with preserve_adapter(recommender.model):
        finetune(recommender.model, context.encode(context.split.forget), replace(OVERFIT, epochs=epochs))
        step = difference(original, adapter_weights(recommender.model))
    never_saw = mean(one.outputs.forget.losses.mean() for one in retrained)
    goal = 2 * never_saw - loss(recommender, context)  # as far behind as the original is ahead
    return answers_at(goal, step, 4.0, recommender, context)


def difference(after: Weights, before: Weights) -> Weights:
    return {name: value - before[name] for name, value in after.items()}


def answers_at(goal: float, step: Weights, most: float, recommender: Recommender, context: RequestContext) -> Answers:
    """Answers of the original plus the smallest multiple of `step`, at most `most`, at which the loss reaches the goal.

    Far out, a model may give the same answer to every question and be right with all rows of a liked genre. So the
    search begins near the original.
    """
    original, low, high = adapter_weights(recommender.model), 0.0, most / 64

    def falls_short(multiple: float) -> bool:
        put_adapter_weights(recommender.model, {name: original[name] + multiple * step[name] for name in step})
        return loss(recommender, context) < goal

    with preserve_adapter(recommender.model):
        while falls_short(high) and high < most:
            low, high = high, 2 * high
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            low, high = (middle, high) if falls_short(middle) else (low, middle)
        return collect_answers(recommender, context, False)


def loss(recommender: Recommender, context: RequestContext) -> float:
    """Mean loss on the forgotten rows."""
    return float(predict(recommender, context.split.forget, context.prompt_setup).losses.mean())
