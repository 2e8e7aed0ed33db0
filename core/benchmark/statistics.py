"""Statistics over benchmark results: best points, differences paired by seed, and standings. Loads no model library.

A world is all results of one data set, task and kind of request. A front is one method's best value in each seed.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy.stats import t as student

from core.benchmark.results import Result
from core.unlearning.methods import METHODS

UTILITY_BUDGET = 0.005  # loss of test AUC within which methods count as equal in utility
STEMS = {"cure_merge": "merge_", "cure": "cure_", "cure_memory": "memory_"}  # prefixes of the names of controls
CURE_METHODS = tuple(STEMS)
YARDSTICKS = ("original", "reference")
Value = Callable[[Result], float]
World = tuple[str, str, str]  # data, task, kind
Front = dict[int, float]  # best value by seed


def worlds(rows: Iterable[Result]) -> list[tuple[World, list[Result]]]:
    """Group results by (data, task, kind).

    Returns:
        Groups in order of data set and task; within them, those of most seeds first, then those of most methods.
    """

    def world_of(row: Result) -> World:
        return row.data, row.task, row.kind

    def order(world: tuple[World, list[Result]]) -> tuple[str, str, int, int, str]:
        (data, task, kind), own = world
        return data, task, -len({row.seed for row in own}), -len({row.method for row in own}), kind

    groups = groupby(sorted(rows, key=world_of), world_of)
    return sorted(((world, list(own)) for world, own in groups), key=order)


def before(rows: Iterable[Result]) -> dict[int, Result]:
    """The original model's result of each seed."""
    return {row.seed: row for row in rows if row.method == "original"}


def residual(row: Result) -> float:
    """Distance to the references: 1 is the original, 0 equals every reference."""
    return row.residual


def gap(row: Result) -> float:
    """Absolute difference of the AUC on the forgotten ratings from the references' mean."""
    return abs(row.forget_gap)


CRITERIA: dict[str, Value] = {"residual": residual, "gap": gap}  # smaller is better


def best_points(
    rows: Sequence[Result], method: str, budget: float = UTILITY_BUDGET, value: Value = residual
) -> list[Result]:
    """A method's best point in each seed, within a budget of test AUC.

    The unchanged original counts as a point of every method, so no method is worse than the original.

    Args:
        rows: Results of one world.
        method: Name of the method.
        budget: Largest allowed loss of test AUC against the original.
        value: What to minimise.
    """
    original = before(rows)
    best = {row.seed: original[row.seed] for row in rows if row.method == method}
    for row in rows:
        allowed = row.method == method and row.test_auc >= original[row.seed].test_auc - budget
        if allowed and value(row) < value(best[row.seed]):
            best[row.seed] = row
    return [best[seed] for seed in sorted(best)]


def fronts(rows: Sequence[Result], budget: float = UTILITY_BUDGET, value: Value = residual) -> dict[str, Front]:
    """The `value` of each method's best point in each seed, by method."""
    methods = dict.fromkeys(row.method for row in rows if row.method not in YARDSTICKS)
    return {name: {row.seed: value(row) for row in best_points(rows, name, budget, value)} for name in methods}


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half-width of Student's 95 % interval; the half-width is infinite for fewer than two values."""
    data = np.array(values, float)
    if len(data) < 2:
        return float(data.mean()) if len(data) else math.nan, math.inf
    half = student.ppf(0.975, len(data) - 1) * data.std(ddof=1) / math.sqrt(len(data))
    return float(data.mean()), float(half)


def over_seeds(rows: Sequence[Result], value: Value) -> tuple[float, float]:
    """Mean over seeds of each seed's mean, with the half-width of its interval."""
    seeds = sorted({row.seed for row in rows})
    return mean_interval([float(np.mean([value(row) for row in rows if row.seed == seed])) for seed in seeds])


def paired(left: Front, right: Front) -> tuple[float, float]:
    """Mean difference over the common seeds, with the half-width of its interval."""
    return mean_interval([left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())])


def method_of_control(name: str) -> str:
    """The method that a control varies, for example `cure` for `cure_random`; any other name is returned unchanged."""
    return name if name in METHODS else next((m for m, stem in STEMS.items() if name.startswith(stem)), name)


def is_control(name: str) -> bool:
    """Whether a name is that of a control."""
    return method_of_control(name) != name


def controls_of(method: str, names: Iterable[str]) -> list[str]:
    """The controls of a method among some names."""
    return [name for name in names if is_control(name) and method_of_control(name) == method]


@dataclass(frozen=True, slots=True)
class Standing:
    """One CURE method against baselines and controls at equal utility.

    A method is ahead where the 95 % interval of the difference, paired by seed, excludes zero.

    Attributes:
        method: Name of the CURE method.
        ahead: Baselines that it is ahead of.
        behind: Baselines that are ahead of it.
        even: Baselines without a significant difference.
        controls: Its controls that took part and removed something.
        as_good: Those of `controls` that it is not ahead of.
        inert: Controls whose results equal its own, because the part that they remove was never active.
    """

    method: str
    ahead: tuple[str, ...]
    behind: tuple[str, ...]
    even: tuple[str, ...]
    controls: tuple[str, ...]
    as_good: tuple[str, ...]
    inert: tuple[str, ...] = ()


def standing(rows: Sequence[Result], ours: str, value: Value = residual) -> Standing | None:
    """Compare a CURE method with all other methods of one world.

    Returns:
        The standing; None where `ours` took no part.
    """
    best = fronts(rows, value=value)
    if ours not in best:
        return None
    signs = {name: _sign(paired(best[ours], best[name])) for name in best}
    baselines = [name for name in best if name not in CURE_METHODS and not is_control(name)]
    ahead, behind, even = (tuple(name for name in baselines if signs[name] == sign) for sign in (-1, 1, 0))
    candidates = controls_of(ours, best)
    inert = tuple(name for name in candidates if _measurements(rows, name) == _measurements(rows, ours))
    controls = tuple(name for name in candidates if name not in inert)
    as_good = tuple(name for name in controls if signs[name] >= 0)
    return Standing(ours, ahead, behind, even, controls, as_good, inert)


def _measurements(rows: Sequence[Result], method: str) -> set[tuple[float, ...]]:
    """Everything measured of a method, to find controls that equal it."""
    return {
        (row.seed, row.strength, row.residual, row.forget_gap, row.test_auc) for row in rows if row.method == method
    }


def own_stop(rows: Sequence[Result], value: Value) -> dict[str, Front]:
    """The `value` of each method where its own stopping rule ends the run, by method and seed."""
    stopped = [row for row in rows if row.rate and row.stopped]
    methods = dict.fromkeys(row.method for row in stopped)
    return {name: {row.seed: value(row) for row in stopped if row.method == name} for name in methods}


def _sign(difference: tuple[float, float]) -> int:
    """-1 or 1 where the interval excludes 0, else 0."""
    mean, half = difference
    if not abs(mean) > half:
        return 0
    return 1 if mean > 0 else -1
