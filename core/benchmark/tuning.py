"""Tuning: the same number of trials for every method, judged on validation and held-out users only."""

from collections.abc import Sequence
from dataclasses import replace

from core.benchmark.entrants import Entrant, Groups, Setting, with_setting
from core.benchmark.results import TuningTrial
from core.benchmark.trials import STEPS, Scenario, groups_of
from core.unlearning.methods import Method
from core.unlearning.training_types import Step
from core.unlearning.unlearn import unlearn_adapter

SETTINGS: tuple[Setting, ...] = ((1e-3, 0.4), (5e-3, 0.1), (5e-3, 0.4), (1e-2, 0.2))
TOLERATED = 0.01  # largest accepted relative rise of the validation loss
MIDDLE = STEPS[len(STEPS) // 2]


def tune(
    scenario: Scenario, name: str, entrant: Entrant, seed: int, settings: Sequence[Setting] = SETTINGS
) -> list[TuningTrial]:
    """Run one trial for each setting; neither test ratings nor references are used.

    Args:
        scenario: A scenario that no result uses.
        name: Name of the entrant.
        entrant: Method and its groups.
        seed: Seed of every random choice.
        settings: Learning rates and weights of the forget gradient.
    """
    groups, _ = groups_of(scenario, entrant, seed)
    return [_try(scenario, name, with_setting(entrant.method, setting), setting, groups, seed) for setting in settings]


def best_setting(trials: Sequence[TuningTrial], name: str) -> Setting:
    """Choose a method's setting.

    Returns:
        The setting of the smallest gap among trials within the tolerated rise of the validation loss; if there is none,
        the setting of the smallest rise.
    """
    own = [one for one in trials if one.method == name]
    tolerated = [one for one in own if one.rise <= TOLERATED]
    best = min(tolerated, key=lambda one: one.gap) if tolerated else min(own, key=lambda one: one.rise)
    return best.rate, best.weight


def _try(scenario: Scenario, name: str, method: Method, setting: Setting, groups: Groups, seed: int) -> TuningTrial:
    """Run one trial to its end."""
    last = {"left": 0.0, "rise": 0.0}

    def watch(step: Step) -> bool:
        last.update({key: value for key, value in step.losses.items() if key in last})
        return False

    steps = method.steps if method.uses_task_vectors else MIDDLE
    unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, replace(method, steps=steps), seed, watch)
    scenario.restore()
    return TuningTrial(name, *setting, abs(last["left"]), last["rise"])
