"""Evaluation of one adapter of a workspace, without a run."""

from pathlib import Path

from core.evaluation.evaluate import RANKED_USERS, metrics
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import load_adapter, make_context
from core.types import Metrics
from core.workspace import Workspace


def evaluate(
    workspace: str | Path,
    request: str,
    adapter: str | Path | None = None,
    *,
    device: str = "cpu",
    ranked_users: int = RANKED_USERS,
    draws: int = 1000,
) -> Metrics:
    """Measure what one adapter predicts for forgotten, other training and held-out users of a request.

    Args:
        workspace: The workspace folder.
        request: Id of the request whose users are the forget set.
        adapter: An adapter's folder. Default: the workspace's adapter in use.
        device: "auto", "cpu" or "cuda".
        ranked_users: The largest number of users whose test items are ranked for hit rate and NDCG.
        draws: Bootstrap draws over users for each interval.

    Returns:
        AUC on the test, forget and held-out sets, log loss, HR@10 and NDCG@10 on the test set, and the AUC of a
        membership attack, each with its 95 % interval.

    Raises:
        WorkspaceError: The folder is not a workspace.
        RequestError: The workspace has no such request.
        ModelError: The adapter does not belong to the workspace's base model.

    Example:
        With `workspace` the folder of a prepared workspace, and `request` the id of one of its requests:

        >>> import core
        >>> metrics = core.evaluate(workspace, request, ranked_users=5, draws=100)
        >>> metrics.test_auc.low <= metrics.test_auc.value <= metrics.test_auc.high
        True
    """
    opened_workspace = Workspace(workspace)
    opened = opened_workspace.request(request)
    recommender = load_adapter(opened_workspace, str(adapter or opened_workspace.adapter), device)
    context = make_context(opened_workspace, opened, recommender.tokenizer)
    return metrics(evaluate_model(recommender, context, ranked=ranked_users), draws)
