"""The same questions to every model of a request: the original, the unlearned one and each reference."""

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.context import Context, load_adapter
from core.evaluation.evaluate import RANKED_USERS, Seen, compare, item_mean_auc, list_users, look
from core.models.recommender import Recommender
from core.types import Evaluation


def ask(recommender: Recommender, context: Context, lists: bool = False, ranked: int = RANKED_USERS) -> Seen:
    """Everything that evaluation asks one model. lists: the top lists of the request's people and some others too."""
    shown = list_users(context.split) if lists else ()
    return look(recommender, context.split, context.reader, context.workspace.items, context.histories, shown, ranked)


def compared(
    unlearned: Recommender,
    original: Seen,
    context: Context,
    device: str,
    begun: Callable[[float, Recommender], None],
) -> Evaluation:
    """Ask the unlearned model and every reference, and compare. begun: told the share done and the reference asked next."""
    folders = context.workspace.reference_folders(context.request.id)
    found = [ask(unlearned, context, lists=True)]
    for number, folder in enumerate(folders, 1):
        found.append(_of_reference(folder, number, context, device, partial(begun, number / (len(folders) + 1))))
    crowd = set(context.workspace.roles.crowd)
    extra = [event for event in context.workspace.interactions if event.user in crowd]
    item_mean = item_mean_auc(context.split.retain, extra, context.split.test)
    return compare(original, found[0], found[1:], context.split, item_mean)


def _of_reference(
    folder: Path, number: int, context: Context, device: str, begun: Callable[[Recommender], None]
) -> Seen:
    """One reference, let go of before the next one is loaded. Only the first one's lists are shown."""
    gc.collect()  # the one before may lie in a circle of references
    recommender = load_adapter(context.workspace, str(folder), device)
    begun(recommender)
    return ask(recommender, context, lists=number == 1)
