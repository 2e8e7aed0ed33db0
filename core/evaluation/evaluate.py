"""Evaluation of one model, and comparison of all models of a run (docs/method.md, section 6)."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.evaluation.advantage import advantages
from core.evaluation.metrics import (
    DRAWS,
    auc,
    closeness,
    hit_rates,
    interval,
    membership_auc,
    ndcg_gains,
    prediction_auc,
    reference_floor,
    select_rows,
)
from core.evaluation.predictions import Predictions, predict
from core.evaluation.ranking import PromptSetup, score_candidates
from core.models.recommender import Recommender
from core.types import (
    Advantage,
    Evaluation,
    Interaction,
    Interval,
    Item,
    Metrics,
    Prompt,
    Recommendation,
    Split,
    TopLists,
)
from core.utils.progress import WorkDone, no_progress

RANKED_USERS = 40
NEGATIVES = 99
LIST_CANDIDATES = 400
LIST_LENGTH = 10
KEPT_LISTS = 6
PROMPT_TITLES = 25  # a whole prompt takes about as long as this number of titles behind a cached history


@dataclass(frozen=True)
class ModelOutputs:
    """Outputs of one model that evaluation needs.

    Attributes:
        forget: Predictions on the forget set.
        test: Predictions on the test prompts of retained users.
        holdout: Predictions on held-out users.
        rank_users: User of each ranked item [row].
        ranks: Rank, from 1, of a liked test item among `NEGATIVES` unseen items [row].
        lists: Top list by user.
    """

    forget: Predictions
    test: Predictions
    holdout: Predictions
    rank_users: np.ndarray
    ranks: np.ndarray
    lists: Mapping[str, tuple[Recommendation, ...]]


def collect_outputs(
    recommender: Recommender,
    split: Split,
    prompt_setup: PromptSetup,
    items: Mapping[str, Item],
    histories: Mapping[str, Sequence[Interaction]],
    listed: Sequence[str] = (),
    ranked: int = RANKED_USERS,
    progress: Callable[[float], None] = no_progress,
) -> ModelOutputs:
    """Compute the outputs of one model.

    Args:
        recommender: Model.
        split: Prompts of each set.
        prompt_setup: Encodes prompts.
        items: Catalogue by id.
        histories: Training interactions of each training user.
        listed: Users whose top lists are computed.
        ranked: Largest number of users whose test items are ranked, which is the most expensive part.
        progress: Receives the share that is done, after each user and each set of prompts.
    """
    prompts = _first_liked(split.test, ranked)
    users = np.array([prompt.user for prompt in prompts])
    parts = (split.forget, split.test, split.holdout)
    titles = len(prompts) * (NEGATIVES + 1) + len(listed) * LIST_CANDIDATES + sum(map(len, parts)) * PROMPT_TITLES
    work = WorkDone(titles, progress)
    ranks = target_ranks(recommender, work.each(prompts, NEGATIVES + 1), prompt_setup, histories)
    lists = {
        user: top_list(recommender, histories[user], prompt_setup, items) for user in work.each(listed, LIST_CANDIDATES)
    }
    predictions = []
    for part in parts:
        predictions.append(predict(recommender, part, prompt_setup))
        work.add(len(part) * PROMPT_TITLES)
    forget, test, holdout = predictions
    return ModelOutputs(forget, test, holdout, users, ranks, lists)


def compare(
    original: ModelOutputs,
    unlearned: ModelOutputs,
    references: Sequence[ModelOutputs],
    split: Split,
    item_mean: Interval,
) -> Evaluation:
    """Evaluate a run from the outputs of its models.

    Args:
        original: Outputs of the model before unlearning.
        unlearned: Outputs of the model after unlearning.
        references: Outputs of each retrained reference.
        split: Prompts of each set.
        item_mean: Test AUC of `item_mean_auc`.
    """
    probabilities = [reference.forget.probabilities for reference in references]
    before = original.forget.probabilities
    return Evaluation(
        original=metrics(original),
        unlearned=metrics(unlearned),
        references=tuple(metrics(reference) for reference in references),
        closeness=closeness(unlearned.forget.probabilities, before, probabilities),
        closeness_original=closeness(before, before, probabilities),
        floor=reference_floor(before, probabilities),
        item_mean_auc=item_mean,
        lists=_lists(original, unlearned, references, split),
        advantages=_advantages(unlearned, original, references),
    )


def _advantages(
    unlearned: ModelOutputs, original: ModelOutputs, references: Sequence[ModelOutputs]
) -> tuple[Advantage, ...]:
    models = (unlearned, original, *references)
    return advantages([one.forget for one in models], [one.holdout for one in models]) if references else ()


def metrics(outputs: ModelOutputs, draws: int = DRAWS) -> Metrics:
    """All metrics of one model, each with an interval from `draws` bootstrap draws over users."""
    hits, gains = hit_rates(outputs.ranks), ndcg_gains(outputs.ranks)
    return Metrics(
        test_auc=_auc(outputs.test, draws),
        test_log_loss=interval(lambda rows: outputs.test.losses[rows].mean(), outputs.test.users, draws=draws),
        hit_rate=interval(lambda rows: _mean(hits[rows]), outputs.rank_users, draws=draws),
        ndcg=interval(lambda rows: _mean(gains[rows]), outputs.rank_users, draws=draws),
        forget_auc=_auc(outputs.forget, draws),
        holdout_auc=_auc(outputs.holdout, draws),
        membership_auc=_membership(outputs.forget, outputs.holdout, draws),
    )


def _auc(scores: Predictions, draws: int) -> Interval:
    return interval(lambda rows: prediction_auc(select_rows(scores, rows)), scores.users, draws=draws)


def _membership(forget: Predictions, holdout: Predictions, draws: int) -> Interval:
    losses = np.concatenate([forget.losses, holdout.losses])
    member = np.arange(len(losses)) < len(forget.losses)
    return interval(
        lambda rows: membership_auc(losses[rows[member[rows]]], losses[rows[~member[rows]]]),
        np.concatenate([forget.users, holdout.users]),
        draws=draws,
    )


def item_mean_auc(train: Sequence[Prompt], extra: Sequence[Interaction], test: Sequence[Prompt]) -> Interval:
    """Test AUC of a baseline that predicts each item's mean training label, or the global mean for an unseen item.

    Args:
        train: Training prompts.
        extra: More training interactions.
        test: Test prompts, the same rows as in `Metrics.test_auc`.
    """
    labels: dict[str, list[bool]] = defaultdict(list)
    for event in (*(event for prompt in train for event in prompt.targets), *extra):
        labels[event.item].append(event.liked)
    overall = np.mean([liked for values in labels.values() for liked in values])
    targets = [event for prompt in test for event in prompt.targets]
    guess = np.array([np.mean(labels[event.item]) if event.item in labels else overall for event in targets])
    liked = np.array([event.liked for event in targets], bool)
    return interval(
        lambda rows: auc(guess[rows][liked[rows]], guess[rows][~liked[rows]]),
        np.array([event.user for event in targets]),
    )


def list_users(split: Split, most: int) -> tuple[str, ...]:
    """At most `most` users whose top lists are kept: forgotten users, then some retained users with test items."""
    forgotten = dict.fromkeys(prompt.user for prompt in split.forget)
    kept = [user for user in dict.fromkeys(prompt.user for prompt in split.test) if user not in forgotten]
    return (*forgotten, *kept[:: max(1, len(kept) // KEPT_LISTS)][:KEPT_LISTS])[:most]


def top_list(
    recommender: Recommender,
    history: Sequence[Interaction],
    prompt_setup: PromptSetup,
    items: Mapping[str, Item],
    length: int = LIST_LENGTH,
) -> tuple[Recommendation, ...]:
    """Top list of the user with this history, among `candidates`."""
    unseen = candidates(history, prompt_setup)
    return top_k(
        score_candidates(recommender, open_prompt(history, prompt_setup), unseen, prompt_setup), unseen, items, length
    )


def candidates(history: Sequence[Interaction], prompt_setup: PromptSetup) -> list[str]:
    """The `LIST_CANDIDATES` most popular items that are not in a history."""
    seen = {event.item for event in history}
    return [item for item in prompt_setup.popular if item not in seen][:LIST_CANDIDATES]


def top_k(
    scores: np.ndarray, candidates: Sequence[str], items: Mapping[str, Item], length: int
) -> tuple[Recommendation, ...]:
    """The candidates of largest score [candidate], largest first."""
    order = np.argsort(-scores, kind="stable")[:length]
    return tuple(Recommendation(candidates[i], items[candidates[i]].title, float(scores[i])) for i in order)


def open_prompt(history: Sequence[Interaction], prompt_setup: PromptSetup) -> Prompt:
    """Prompt of the history's last events with a last position for a candidate."""
    shown = tuple(history[-(prompt_setup.window - 1) :])
    return Prompt(shown[-1].user, (*shown, shown[-1]), len(shown))


def _first_liked(test: Sequence[Prompt], most: int) -> list[Prompt]:
    """For at most `most` users the test prompt up to the first liked target."""
    liked: dict[str, Prompt] = {}
    for prompt in test:
        target = next((i for i in range(prompt.first_target, len(prompt.events)) if prompt.events[i].liked), None)
        if target is not None and target > 0:
            liked.setdefault(prompt.user, Prompt(prompt.user, prompt.events[: target + 1], target))
    return list(liked.values())[:: max(1, len(liked) // max(1, most))][:most]


def target_ranks(
    recommender: Recommender,
    prompts: Iterable[Prompt],
    prompt_setup: PromptSetup,
    histories: Mapping[str, Sequence[Interaction]],
) -> np.ndarray:
    """Rank, from 1, of each prompt's last item among `NEGATIVES` random items that its user never saw [prompt].

    Ties count half.
    """
    ranks: list[float] = []
    for prompt in prompts:
        seen = {event.item for event in (*histories[prompt.user], *prompt.events)}
        others = [item for item in prompt_setup.popular if item not in seen]
        rng = np.random.default_rng(len(ranks))
        negatives = [others[i] for i in rng.permutation(len(others))[:NEGATIVES]]
        scores = score_candidates(recommender, prompt, [prompt.events[-1].item, *negatives], prompt_setup)
        ranks.append(1 + (scores[1:] > scores[0]).sum() + (scores[1:] == scores[0]).sum() / 2)
    return np.array(ranks)


def _mean(values: np.ndarray) -> float:
    """Mean; NaN without values."""
    return float(values.mean()) if len(values) else float("nan")


def _lists(
    original: ModelOutputs, unlearned: ModelOutputs, references: Sequence[ModelOutputs], split: Split
) -> tuple[TopLists, ...]:
    forgotten = {prompt.user for prompt in split.forget}
    return tuple(
        TopLists(
            user,
            user in forgotten,
            original.lists[user],
            unlearned.lists[user],
            references[0].lists[user] if references else (),
        )
        for user in original.lists
    )
