"""What rows of the bench say: fronts, differences paired by seed, and who is ahead. Imports no model code."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from scipy.stats import t as student

from core.benchmark.results import Row
from core.unlearning.methods import METHODS

EQUAL = 0.005  # the loss of test AUC within which methods are compared
STEMS = {"cure_merge": "merge_", "cure": "cure_", "cure_memory": "memory_"}  # how the names of their controls begin
OURS = tuple(STEMS)
YARDSTICKS = ("original", "reference")
Value = Callable[[Row], float]
World = tuple[str, str, str]  # data, task, kind
Front = dict[int, float]  # per seed the best value


def worlds(rows: Iterable[Row]) -> list[tuple[World, list[Row]]]:
    """The rows of each (data, task, kind); of a data set and task those of most seeds first, then of most methods."""
    key: Callable[[Row], World] = lambda row: (row.data, row.task, row.kind)  # noqa: E731
    found = [(world, list(group)) for world, group in groupby(sorted(rows, key=key), key)]
    most = lambda rows: (-len({row.seed for row in rows}), -len({row.method for row in rows}))  # noqa: E731
    return sorted(found, key=lambda one: (*one[0][:2], *most(one[1]), one[0][2]))


def before(rows: Iterable[Row]) -> dict[int, Row]:
    """The original's row of each seed."""
    return {row.seed: row for row in rows if row.method == "original"}


def residual(row: Row) -> float:
    return row.residual


def gap(row: Row) -> float:
    """How far the AUC on the forgotten ratings is from the references', in either direction."""
    return abs(row.forget_gap)


CRITERIA: dict[str, Value] = {"residual": residual, "gap": gap}  # of both less is better


def best_points(rows: Sequence[Row], method: str, budget: float = EQUAL, value: Value = residual) -> list[Row]:
    """Per seed the method's point of least `value` whose test AUC is at most `budget` below the original's.

    Having done nothing is a point of every method, so that nobody is worse than the original.
    """
    original = before(rows)
    found = {row.seed: original[row.seed] for row in rows if row.method == method}
    for row in rows:
        allowed = row.method == method and row.test_auc >= original[row.seed].test_auc - budget
        if allowed and value(row) < value(found[row.seed]):
            found[row.seed] = row
    return [found[seed] for seed in sorted(found)]


def fronts(rows: Sequence[Row], budget: float = EQUAL, value: Value = residual) -> dict[str, Front]:
    """The `value` of each method's best point in each seed."""
    methods = dict.fromkeys(row.method for row in rows if row.method not in YARDSTICKS)
    return {name: {row.seed: value(row) for row in best_points(rows, name, budget, value)} for name in methods}


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half-width of Student's 95 % interval; infinite for one value."""
    data = np.array(values, float)
    if len(data) < 2:
        return float(data.mean()) if len(data) else math.nan, math.inf
    half = student.ppf(0.975, len(data) - 1) * data.std(ddof=1) / math.sqrt(len(data))
    return float(data.mean()), float(half)


def over_seeds(rows: Sequence[Row], value: Value) -> tuple[float, float]:
    """Mean over seeds of a scene's mean, with its interval."""
    seeds = sorted({row.seed for row in rows})
    return mean_interval([float(np.mean([value(row) for row in rows if row.seed == seed])) for seed in seeds])


def paired(left: Front, right: Front) -> tuple[float, float]:
    """Mean difference over common seeds with its interval."""
    return mean_interval([left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())])


def of_control(name: str) -> str:
    """The method that a control is a variant of, of cure_random `cure`; the name itself for everything else."""
    return name if name in METHODS else next((m for m, stem in STEMS.items() if name.startswith(stem)), name)


def is_control(name: str) -> bool:
    return of_control(name) != name


def controls_of(method: str, names: Iterable[str]) -> list[str]:
    """The controls of a method among some names."""
    return [name for name in names if is_control(name) and of_control(name) == method]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one of our methods stands at equal utility; each by the 95 % interval of the difference paired by seed.

    ahead: of whom it is. behind: who is ahead of it. even: who cannot be told apart. controls: those of its own that took
    part, and took something away. as_good: those of them that it does not beat. inert: those whose every row is the method's
    own, as what they take away was never at work.
    """

    method: str
    ahead: tuple[str, ...]
    behind: tuple[str, ...]
    even: tuple[str, ...]
    controls: tuple[str, ...]
    as_good: tuple[str, ...]
    inert: tuple[str, ...] = ()


def standing(rows: Sequence[Row], ours: str, value: Value = residual) -> Standing | None:
    """Where `ours` stands in one world by a criterion; None where it took no part."""
    best = fronts(rows, value=value)
    if ours not in best:
        return None
    place = {name: _sign(paired(best[ours], best[name])) for name in best}
    rivals = [name for name in best if name not in OURS and not is_control(name)]
    ahead, behind, even = (tuple(name for name in rivals if place[name] == sign) for sign in (-1, 1, 0))
    there = controls_of(ours, best)
    inert = tuple(name for name in there if _found(rows, name) == _found(rows, ours))
    controls = tuple(name for name in there if name not in inert)
    as_good = tuple(name for name in controls if place[name] >= 0)
    return Standing(ours, ahead, behind, even, controls, as_good, inert)


def _found(rows: Sequence[Row], method: str) -> set[tuple[float, ...]]:
    """What was measured of a method, wherever it was looked at."""
    return {
        (row.seed, row.strength, row.residual, row.forget_gap, row.test_auc) for row in rows if row.method == method
    }


def own_stop(rows: Sequence[Row], value: Value) -> dict[str, Front]:
    """The `value` of each method where its own rule ends the run, which is what a run hands over."""
    stopped = [row for row in rows if row.rate and row.stopped]
    methods = dict.fromkeys(row.method for row in stopped)
    return {name: {row.seed: value(row) for row in stopped if row.method == name} for name in methods}


def _sign(difference: tuple[float, float]) -> int:
    """-1 or 1 where the interval excludes 0, else 0."""
    mean, half = difference
    return 0 if not abs(mean) > half else (1 if mean > 0 else -1)
