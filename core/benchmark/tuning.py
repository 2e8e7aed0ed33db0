"""Tuning, the same trials for every method, judged on validation and holdout people alone."""

from collections.abc import Sequence
from dataclasses import replace

from core.benchmark.entrants import Entrant, Kinds, Setting, with_setting
from core.benchmark.results import Tried
from core.benchmark.trials import STEPS, Scene, groups_of
from core.unlearning.methods import Method
from core.unlearning.trainer import Step
from core.unlearning.unlearn import unlearn

SETTINGS: tuple[Setting, ...] = ((1e-3, 0.4), (5e-3, 0.1), (5e-3, 0.4), (1e-2, 0.2))
TOLERATED = 0.01  # rise of the validation loss, as a share, that a setting may cost
MIDDLE = STEPS[len(STEPS) // 2]


def tune(
    scene: Scene, name: str, contestant: Entrant, seed: int, settings: Sequence[Setting] = SETTINGS
) -> list[Tried]:
    """One trial a setting; neither test rows nor references are asked."""
    kinds, _ = groups_of(scene, contestant, seed)
    return [_try(scene, name, with_setting(contestant.method, setting), setting, kinds, seed) for setting in settings]


def best_setting(trials: Sequence[Tried], name: str) -> Setting:
    """Among a method's trials that cost what is tolerated at most the one of smallest gap, else the cheapest."""
    own = [one for one in trials if one.method == name]
    cheap = [one for one in own if one.rise <= TOLERATED]
    best = min(cheap, key=lambda one: one.gap) if cheap else min(own, key=lambda one: one.rise)
    return best.rate, best.weight


def _try(scene: Scene, name: str, method: Method, setting: Setting, kinds: Kinds, seed: int) -> Tried:
    """Where one run ends: how far the adapter's help for the forgotten is from its help for strangers, and at what cost."""
    last = {"gap": 0.0, "rise": 0.0}

    def watch(step: Step) -> bool:
        last.update({key: value for key, value in step.losses.items() if key in last})
        return False

    steps = method.steps if method.merged else MIDDLE
    unlearn(scene.recommender.model, scene.material, kinds, replace(method, steps=steps), seed, watch)
    scene.restore()
    return Tried(name, *setting, abs(last["gap"]), last["rise"])
