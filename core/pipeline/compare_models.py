"""Comparison of all models of a request: the original, the unlearned one and each retrained reference."""

from collections.abc import Callable
from dataclasses import replace

from core.evaluation.evaluate import (
    LIST_CANDIDATES,
    NEGATIVES,
    RANKED_USERS,
    ModelOutputs,
    collect_outputs,
    compare,
    item_mean_auc,
    list_users,
)
from core.evaluation.ranking_budget import RankingBudget, base_parameters, ranking_budget
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext
from core.pipeline.kept_answers import KeptAnswers, ReferenceAnswers
from core.types import Evaluation
from core.utils.progress import no_progress


def evaluate_model(
    recommender: Recommender,
    context: RequestContext,
    lists: bool = False,
    ranked: int = RANKED_USERS,
    progress: Callable[[float], None] = no_progress,
) -> ModelOutputs:
    """Collect the outputs of one model that the evaluation needs.

    Args:
        recommender: The model.
        context: The data of the request.
        lists: Whether to compute the top lists of the forgotten users and of some other users.
        ranked: Largest number of users whose test items are ranked, within the model's budget.
        progress: Receives the share that is done.
    """
    budget = budget_of(recommender, context)
    return collect_outputs(
        recommender,
        context.split,
        context.prompt_setup,
        context.workspace.items,
        context.histories,
        listed=list_users(context.split, budget.users(LIST_CANDIDATES)) if lists else (),
        ranked=min(ranked, budget.users(NEGATIVES + 1)),
        progress=progress,
    )


def budget_of(recommender: Recommender, context: RequestContext) -> RankingBudget:
    """The titles that a model scores, the same for all models of a request."""
    return ranking_budget(base_parameters(recommender.model), context.workspace.settings.ranking_titles)


def compare_models(
    unlearned: Recommender,
    original: ModelOutputs,
    context: RequestContext,
    device: str,
    kept: KeptAnswers,
    on_loaded: Callable[[Recommender], None],
    progress: Callable[[float], None],
) -> Evaluation:
    """Evaluate the unlearned model and every retrained reference, and compare all models.

    Args:
        unlearned: The model with the unlearned adapter.
        original: The outputs of the original model.
        context: The data of the request.
        device: Where the references are loaded.
        kept: Keeps the references' outputs for the next run.
        on_loaded: Receives each reference that is loaded, before it is evaluated.
        progress: Receives the share that is done; each model counts alike, though kept answers take no time.
    """
    folders = kept.trained(context.workspace.reference_folders(context.request.id))

    def of_model(number: int) -> Callable[[float], None]:
        return lambda share: progress((number + share) / (len(folders) + 1))

    outputs = [evaluate_model(unlearned, context, lists=True, progress=of_model(0))]
    references = ReferenceAnswers(kept, context, unlearned, device)
    for number, folder in enumerate(folders, 1):
        lists = number == 1

        def ask(recommender: Recommender, number: int = number, lists: bool = lists) -> ModelOutputs:
            on_loaded(recommender)
            return evaluate_model(recommender, context, lists=lists, progress=of_model(number))

        template = outputs[0] if lists else replace(outputs[0], lists={})
        outputs.append(references.of(folder, "evaluation-lists" if lists else "evaluation", template, ask))
        of_model(number)(1.0)
    extra = context.workspace.interactions.of_users(context.workspace.user_split.base_users)
    item_mean = item_mean_auc(context.split.retain, extra, context.split.test)
    return compare(original, outputs[0], outputs[1:], context.split, item_mean)
