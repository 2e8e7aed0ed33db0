"""Tuning, the same for every method: each learning rate once, judged on validation and holdout people alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.bench.contestants import Contestant, Kinds
from core.bench.trials import POINTS, Scene, groups_of
from core.unlearning.loop import Step
from core.unlearning.unlearn import unlearn

RATES = (3e-4, 1e-3, 3e-3)
TOLERATED = 0.01  # rise of the validation loss, as a share, up to which a trial's checks count


@dataclass(frozen=True, slots=True)
class Tried:
    """One trial. gap: at its best check, how far the adapter's help for the forgotten people is from its help for
    strangers, in nats; infinite where every check lost too much on validation."""

    method: str
    rate: float
    gap: float


def tune(scene: Scene, name: str, contestant: Contestant, seed: int, rates: Sequence[float] = RATES) -> list[Tried]:
    """One trial a rate; neither test rows nor references are asked."""
    kinds, _ = groups_of(scene, contestant, seed)
    return [Tried(name, rate, _gap(scene, contestant, kinds, rate, seed)) for rate in rates]


def best_rate(trials: Sequence[Tried], name: str) -> float:
    """The rate of smallest gap among a method's trials."""
    return min((one for one in trials if one.method == name), key=lambda one: one.gap).rate


def _gap(scene: Scene, contestant: Contestant, kinds: Kinds, rate: float, seed: int) -> float:
    """|help for the forgotten - help for strangers| at the best check that validation tolerates."""
    method = replace(contestant.method, learning_rate=rate, steps=POINTS[-1], heeds_stop=False)
    gaps: list[float] = []

    def watch(step: Step) -> bool:
        if step.losses.get("rise", math.inf) <= TOLERATED:
            gaps.append(abs(step.losses["gap"]))
        return False

    unlearn(scene.recommender.model, scene.material, kinds, method, seed, watch)
    scene.restore()
    return min(gaps, default=math.inf)
