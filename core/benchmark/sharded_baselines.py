"""Exact baselines: training users divided into shards; a deletion retrains only the adapters of the shards it affects.

Nothing of the forgotten users remains, by construction. The price is lower utility, and the retraining itself.

- SISA (arXiv 1912.03817): users divided at random, predictions averaged.
- RecEraser (arXiv 2201.06820): similar users together, predictions weighted by each shard's validation loss.
- APA (arXiv 2404.10327): adapter weights averaged, so that one model answers; here over SISA's shards.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
import torch
from scipy.cluster.vq import kmeans2

from core.benchmark.meter import Meter
from core.benchmark.results import Result
from core.benchmark.trials import Scenario
from core.evaluation.evaluate import ModelOutputs
from core.evaluation.predictions import Predictions, predict
from core.models.recommender import adapter_weights, put_adapter_weights
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import fresh_adapter
from core.types import Prompt
from core.unlearning.finetuning import finetune

COUNT = 4
SHARPNESS = 20.0  # of RecEraser's weights: a validation loss lower by 0.05 nats weighs e times as much
TASTES = 8  # dimensions in which users are compared
Parts = list[list[str]]  # users of each shard


@dataclass(frozen=True)
class Shard:
    """One shard after the request.

    Attributes:
        outputs: Outputs of its model.
        validation: Mean validation loss, in nats.
        weights: Adapter weights by name.
        seconds: Duration of its training.
        affected: Whether the request names one of its users, so that it had to be retrained.
    """

    outputs: ModelOutputs
    validation: float
    weights: dict[str, torch.Tensor]
    seconds: float
    affected: bool


def by_chance(users: Sequence[str], scenario: Scenario, seed: int) -> Parts:  # noqa: ARG001 - common signature
    """Divide users at random into shards of equal size."""
    order = random.Random(seed).sample(sorted(users), len(users))
    return [order[start::COUNT] for start in range(COUNT)]


def alike(users: Sequence[str], scenario: Scenario, seed: int) -> Parts:
    """Divide users into shards of equal size and similar taste.

    1. Embed each user by a truncated SVD of the liked (1) and disliked (-1) items.
    2. Find one centre for each shard by k-means.
    3. Go through all pairs of user and centre by distance; a user joins the first centre that has room.
    """
    items = {item: column for column, item in enumerate(scenario.context.workspace.items)}
    table = np.zeros((len(users), len(items)))
    for row, user in enumerate(users):
        for event in scenario.context.histories[user]:
            table[row, items[event.item]] = 1 if event.liked else -1
    left, sizes, _ = np.linalg.svd(table, full_matrices=False)
    embeddings = left[:, :TASTES] * sizes[:TASTES]
    centres, _ = kmeans2(embeddings, COUNT, minit="++", rng=seed)
    distances = ((embeddings[:, None] - centres[None]) ** 2).sum(-1)
    parts: Parts = [[] for _ in range(COUNT)]
    room = -(-len(users) // COUNT)
    for row, shard in sorted(np.ndindex(distances.shape), key=lambda pair: distances[pair]):
        if len(parts[shard]) < room and not any(users[row] in part for part in parts):
            parts[shard].append(users[row])
    return parts


def shards(scenario: Scenario, seed: int) -> Iterator[Result]:
    """Measure SISA, APA and RecEraser after the request; each shard is trained on the remaining data of its users."""
    users = scenario.context.workspace.user_split.training_users
    for names, divide in ((("sisa", "apa"), by_chance), (("receraser",), alike)):
        trained = [_train(scenario, part, seed) for part in divide(users, scenario, seed) if part]
        seconds = sum(one.seconds for one in trained if one.affected)
        for name in names:
            outputs = COMBINERS[name](scenario, trained)
            movable_share = fmean(one.affected for one in trained)
            yield scenario.row(name, outputs, strength=1.0, seconds=seconds, movable_share=movable_share)


def _train(scenario: Scenario, users: Sequence[str], seed: int) -> Shard:
    """Train one adapter from the same base by the same recipe, on the retain prompts of these users only."""
    context, own = scenario.context, set(users)
    recommender = fresh_adapter(context.workspace, str(scenario.recommender.device), seed)
    prompts: list[Prompt] = [prompt for prompt in context.split.retain if prompt.user in own]
    meter = Meter(recommender.device)
    finetune(recommender.model, context.encode(prompts), replace(context.finetune_settings, seed=seed))
    meter.pause()
    validation = predict(recommender, context.split.validation, context.prompt_setup).losses.mean()
    return Shard(
        evaluate_model(recommender, context, ranked=0),
        float(validation),
        adapter_weights(recommender.model),
        meter.seconds,
        bool(own & set(context.request.subjects)),
    )


def averaged(trained: Sequence[Shard], weights: Sequence[float]) -> ModelOutputs:
    """Weighted mean of the shards' probabilities; no items are ranked."""
    forget, test, holdout = (
        _mean([getattr(one.outputs, name) for one in trained], weights) for name in ("forget", "test", "holdout")
    )
    return ModelOutputs(forget, test, holdout, np.empty(0, str), np.empty(0), {})


def _mean(scores: Sequence[Predictions], weights: Sequence[float]) -> Predictions:
    """Scores from the weighted mean of probabilities [n, outcome].

    Two outcomes are No and Yes. Of more outcomes, the first is the right one.
    """
    first = scores[0]
    mixed = np.average([one.probabilities for one in scores], axis=0, weights=list(weights))
    binary = mixed.shape[1] == 2
    right = (mixed[np.arange(len(mixed)), first.labels.astype(int)] if binary else mixed[:, 0]).clip(1e-12, 1 - 1e-12)
    yes = (mixed[:, 1] if binary else mixed[:, 0]).clip(1e-12, 1 - 1e-12)
    return Predictions(first.users, first.labels, np.log(yes / (1 - yes)), mixed, -np.log(right))


def _sisa(scenario: Scenario, trained: Sequence[Shard]) -> ModelOutputs:  # noqa: ARG001 - common signature
    return averaged(trained, [1.0] * len(trained))


def _receraser(scenario: Scenario, trained: Sequence[Shard]) -> ModelOutputs:  # noqa: ARG001 - common signature
    weights = np.exp([-SHARPNESS * (one.validation - trained[0].validation) for one in trained])
    return averaged(trained, weights.tolist())


def _apa(scenario: Scenario, trained: Sequence[Shard]) -> ModelOutputs:
    mean = {name: torch.stack([one.weights[name] for one in trained]).mean(0) for name in scenario.weights}
    put_adapter_weights(scenario.recommender.model, mean)
    outputs = scenario.evaluate(0)
    scenario.restore()
    return outputs


COMBINERS: dict[str, Callable[[Scenario, Sequence[Shard]], ModelOutputs]] = {
    "sisa": _sisa,
    "receraser": _receraser,
    "apa": _apa,
}
