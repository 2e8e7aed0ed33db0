"""Comparison of all models of a request: the original, the unlearned one and each retrained reference."""

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.evaluation.evaluate import RANKED_USERS, ModelOutputs, collect_outputs, compare, item_mean_auc, list_users
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter
from core.types import Evaluation


def evaluate_model(
    recommender: Recommender, context: RequestContext, lists: bool = False, ranked: int = RANKED_USERS
) -> ModelOutputs:
    """Collect the outputs of one model that the evaluation needs.

    Args:
        recommender: The model.
        context: The data of the request.
        lists: Whether to compute the top lists of the forgotten users and of some other users.
        ranked: Number of users whose test items are ranked.
    """
    listed = list_users(context.split) if lists else ()
    return collect_outputs(
        recommender, context.split, context.prompt_setup, context.workspace.items, context.histories, listed, ranked
    )


def compare_models(
    unlearned: Recommender,
    original: ModelOutputs,
    context: RequestContext,
    device: str,
    on_reference_loaded: Callable[[float, Recommender], None],
) -> Evaluation:
    """Evaluate the unlearned model and every retrained reference, and compare all models.

    Args:
        unlearned: The model with the unlearned adapter.
        original: The outputs of the original model.
        context: The data of the request.
        device: Where the references are loaded.
        on_reference_loaded: Receives the share done and each reference before it is evaluated.
    """
    folders = context.workspace.reference_folders(context.request.id)
    outputs = [evaluate_model(unlearned, context, lists=True)]
    for number, folder in enumerate(folders, 1):
        outputs.append(
            _of_reference(folder, number, context, device, partial(on_reference_loaded, number / (len(folders) + 1)))
        )
    extra = context.workspace.interactions.of_users(context.workspace.user_split.base_users)
    item_mean = item_mean_auc(context.split.retain, extra, context.split.test)
    return compare(original, outputs[0], outputs[1:], context.split, item_mean)


def _of_reference(
    folder: Path, number: int, context: RequestContext, device: str, on_reference_loaded: Callable[[Recommender], None]
) -> ModelOutputs:
    """Evaluate one reference and release it; only the lists of the first one are shown."""
    gc.collect()  # the reference before may be part of a reference cycle
    recommender = load_adapter(context.workspace, str(folder), device)
    on_reference_loaded(recommender)
    return evaluate_model(recommender, context, lists=number == 1)
