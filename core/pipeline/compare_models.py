"""The same questions to every model of a request: the original, the unlearned one and each reference."""

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.evaluation.evaluate import RANKED_USERS, ModelOutputs, compare, item_mean_auc, list_users, look
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter
from core.types import Evaluation


def evaluate_model(
    recommender: Recommender, context: RequestContext, lists: bool = False, ranked: int = RANKED_USERS
) -> ModelOutputs:
    """Everything that evaluation asks one model. lists: the top lists of the request's people and some others too."""
    shown = list_users(context.split) if lists else ()
    return look(recommender, context.split, context.reader, context.workspace.items, context.histories, shown, ranked)


def compared(
    unlearned: Recommender,
    original: ModelOutputs,
    context: RequestContext,
    device: str,
    begun: Callable[[float, Recommender], None],
) -> Evaluation:
    """Ask the unlearned model and every reference, and compare. begun: told the share done and the reference asked next."""
    folders = context.workspace.reference_folders(context.request.id)
    found = [evaluate_model(unlearned, context, lists=True)]
    for number, folder in enumerate(folders, 1):
        found.append(_of_reference(folder, number, context, device, partial(begun, number / (len(folders) + 1))))
    crowd = set(context.workspace.user_split.crowd)
    extra = [event for event in context.workspace.interactions if event.user in crowd]
    item_mean = item_mean_auc(context.split.retain, extra, context.split.test)
    return compare(original, found[0], found[1:], context.split, item_mean)


def _of_reference(
    folder: Path, number: int, context: RequestContext, device: str, begun: Callable[[Recommender], None]
) -> ModelOutputs:
    """One reference, let go of before the next one is loaded. Only the first one's lists are shown."""
    gc.collect()  # the one before may lie in a circle of references
    recommender = load_adapter(context.workspace, str(folder), device)
    begun(recommender)
    return evaluate_model(recommender, context, lists=number == 1)
