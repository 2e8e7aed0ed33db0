"""Exact rivals: members parted into shards with an adapter each, so that a deletion retrains only the shards it touches.

Nothing of the forgotten people is left, by construction; the price is paid in utility, and in shards that one request
touches. SISA (arXiv 1912.03817): people by chance, answers averaged. RecEraser (arXiv 2201.06820): people alike together,
answers weighed by how each shard does on validation. APA (arXiv 2404.10327): the weights of the adapters averaged,
so that one model answers; here over SISA's shards.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
import torch
from scipy.cluster.vq import kmeans2

from core.benchmark.results import Row
from core.benchmark.trials import Meter, Scene
from core.evaluation.evaluate import ModelOutputs
from core.evaluation.predictions import Scores, score
from core.models.recommender import adapter_weights, put_adapter_weights
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import fresh_adapter
from core.types import Prompt
from core.unlearning.finetuning import fit

COUNT = 4
SHARPNESS = 20.0  # of RecEraser's weights: a shard better by .05 nats on validation counts e times as much
TASTES = 8
Parts = list[list[str]]


@dataclass(frozen=True)
class Shard:
    """One shard after the request: what it answered, its mean loss on validation, its adapter, the seconds of its
    training, and whether the request touched it, so that it had to be trained anew."""

    seen: ModelOutputs
    validation: float
    weights: dict[str, torch.Tensor]
    seconds: float
    touched: bool


def by_chance(people: Sequence[str], scene: Scene, seed: int) -> Parts:
    """Shards of equal size."""
    order = random.Random(seed).sample(sorted(people), len(people))
    return [order[start::COUNT] for start in range(COUNT)]


def alike(people: Sequence[str], scene: Scene, seed: int) -> Parts:
    """Shards of equal size of people with like tastes: nearest centre first, as long as it has room."""
    items = {item: column for column, item in enumerate(scene.context.workspace.items)}
    table = np.zeros((len(people), len(items)))
    for row, user in enumerate(people):
        for event in scene.context.histories[user]:
            table[row, items[event.item]] = 1 if event.liked else -1
    left, sizes, _ = np.linalg.svd(table, full_matrices=False)
    places = left[:, :TASTES] * sizes[:TASTES]
    centres, _ = kmeans2(places, COUNT, minit="++", rng=seed)
    far = ((places[:, None] - centres[None]) ** 2).sum(-1)
    parts: Parts = [[] for _ in range(COUNT)]
    room = -(-len(people) // COUNT)
    for row, shard in sorted(np.ndindex(far.shape), key=lambda pair: far[pair]):
        if len(parts[shard]) < room and not any(people[row] in part for part in parts):
            parts[shard].append(people[row])
    return parts


def shards(scene: Scene, seed: int) -> Iterator[Row]:
    """SISA, APA and RecEraser after the request: each shard trained on what is left of its people."""
    members = scene.context.workspace.user_split.members
    for names, divide in ((("sisa", "apa"), by_chance), (("receraser",), alike)):
        trained = [_train(scene, part, seed) for part in divide(members, scene, seed) if part]
        for name in names:
            told: dict[str, Any] = {
                "seconds": sum(one.seconds for one in trained if one.touched),
                "moved": fmean(one.touched for one in trained),
            }
            yield scene.row(name, ANSWERS[name](scene, trained), strength=1.0, **told)


def _train(scene: Scene, people: Sequence[str], seed: int) -> Shard:
    """One adapter from the same base by the same recipe, on these people's kept prompts alone."""
    context, own = scene.context, set(people)
    recommender = fresh_adapter(context.workspace, str(scene.recommender.device), seed)
    of_them: Callable[[Sequence[Prompt]], list[Prompt]] = lambda prompts: [p for p in prompts if p.user in own]  # noqa: E731
    meter = Meter(recommender.device)
    fit(recommender.model, context.encode(of_them(context.split.retain)), replace(context.recipe, seed=seed))
    meter.pause()
    validation = score(recommender, context.split.validation, context.reader).losses.mean()
    return Shard(
        evaluate_model(recommender, context, ranked=0),
        float(validation),
        adapter_weights(recommender.model),
        meter.seconds,
        bool(own & set(context.request.subjects)),
    )


def averaged(scene: Scene, trained: Sequence[Shard], weights: Sequence[float]) -> ModelOutputs:
    """What the shards say together: the weighted mean of their probabilities; nobody's titles are ranked."""
    forget, test, holdout = (
        _mean([getattr(one.seen, name) for one in trained], weights) for name in ("forget", "test", "holdout")
    )
    return ModelOutputs(forget, test, holdout, np.empty(0, str), np.empty(0), {})


def _mean(scores: Sequence[Scores], weights: Sequence[float]) -> Scores:
    first = scores[0]
    mixed = np.average([one.probabilities for one in scores], axis=0, weights=list(weights))
    right = (mixed[np.arange(len(mixed)), first.labels.astype(int)] if mixed.shape[1] == 2 else mixed[:, 0]).clip(
        1e-12, 1 - 1e-12
    )
    yes = (mixed[:, 1] if mixed.shape[1] == 2 else mixed[:, 0]).clip(1e-12, 1 - 1e-12)
    return Scores(first.users, first.labels, np.log(yes / (1 - yes)), mixed, -np.log(right))


def _receraser(scene: Scene, trained: Sequence[Shard]) -> ModelOutputs:
    weights = np.exp([-SHARPNESS * (one.validation - trained[0].validation) for one in trained])
    return averaged(scene, trained, weights.tolist())


def _apa(scene: Scene, trained: Sequence[Shard]) -> ModelOutputs:
    mean = {name: torch.stack([one.weights[name] for one in trained]).mean(0) for name in scene.weights}
    put_adapter_weights(scene.recommender.model, mean)
    seen = scene.ask(0)
    scene.restore()
    return seen


ANSWERS: dict[str, Callable[[Scene, Sequence[Shard]], ModelOutputs]] = {
    "sisa": lambda scene, trained: averaged(scene, trained, [1.0] * len(trained)),
    "receraser": _receraser,
    "apa": _apa,
}
