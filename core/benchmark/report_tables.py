"""Table cells of the benchmark report: one `Section` for each world, all numbers formatted as text.

The layout and the sentences are in `templates/unlearning.md.j2`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.benchmark.results import Result, TuningTrial
from core.benchmark.statistics import (
    CURE_METHODS,
    YARDSTICKS,
    Front,
    Value,
    before,
    best_points,
    controls_of,
    fronts,
    gap,
    mean_interval,
    over_seeds,
    own_stop,
    paired,
    residual,
)
from core.utils.commands import command_line

Cells = list[list[str]]  # [rows][columns]

BUDGETS = (0.0, 0.0025, 0.005, 0.01)  # allowed loss of test AUC
SHARDED = ("sisa", "apa", "receraser")  # one entrant, `shards`, measures all three
BASELINES = ("finetune", "gradient_ascent", "graddiff", "npo", "e2urec", "pcgrad", "uniform")
MEASURES: tuple[Value, ...] = (
    lambda row: row.residual,
    lambda row: row.reach,
    lambda row: row.forget_gap,
    lambda row: row.membership_auc,
    lambda row: row.drift,
)
COSTS: tuple[tuple[Value, int], ...] = (  # with the number of decimals
    (lambda row: row.seconds, 1),
    (lambda row: row.circuit_seconds, 1),
    (lambda row: row.movable_share, 2),
)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The smallest difference that one world can show, beside the largest one that is possible.

    Attributes:
        residual: Residual of the original less that of a reference.
        gap: AUC advantage of the original on the forgotten ratings.
        residual_noise: Median half-width of the 95 % intervals of residual differences.
        gap_noise: Median half-width of the 95 % intervals of gap differences.
    """

    residual: float
    gap: float
    residual_noise: float
    gap_noise: float


@dataclass(frozen=True, slots=True)
class Section:
    """All tables of one world, which is one data set, task and kind of request.

    Attributes:
        data: Name of the data set.
        task: Name of the task.
        kind: Kind of request.
        seeds: Number of seeds.
        command: The command that measures these results.
        floor: Original and references against each other.
        resolution: Smallest difference that can be shown; None without baselines.
        best: Each method at its best point by the residual.
        least: Each method at its best point by the gap.
        differences: CURE methods less baselines and controls, at their best points.
        budgets: Column heads of `by_budget`.
        by_budget: Lowest residual for each allowed loss of test AUC.
        stopped: Each method at its stopping point.
        stopped_differences: CURE methods less baselines, at their stopping points.
        sequential: Each method after each of several sequential requests.
    """

    data: str
    task: str
    kind: str
    seeds: int
    command: str
    floor: Cells
    resolution: Resolution | None
    best: Cells
    least: Cells
    differences: Cells
    budgets: list[str]
    by_budget: Cells
    stopped: Cells
    stopped_differences: Cells
    sequential: Cells


@dataclass(frozen=True, slots=True)
class TuningTable:
    """All tuning trials on one data set.

    Attributes:
        data: Name of the data set.
        settings: Column heads: learning rate and weight of the forget gradient.
        cells: One row for each method: gap in nats and rise of the validation loss.
    """

    data: str
    settings: list[str]
    cells: Cells


def section(rows: Sequence[Result]) -> Section:
    """All tables of one world from its results."""
    sequential = rows[0].kind == "row"
    return Section(
        data=rows[0].data,
        task=rows[0].task,
        kind=rows[0].kind,
        seeds=len({row.seed for row in rows}),
        command=command(rows),
        floor=_floor(rows),
        resolution=None if sequential else _resolution(rows),
        best=[] if sequential else _best(rows),
        least=[] if sequential else _least(rows),
        differences=[] if sequential else _differences(rows),
        budgets=[f"{budget:g}" for budget in BUDGETS],
        by_budget=[] if sequential else _by_budget(rows),
        stopped=[] if sequential else _stopped(rows),
        stopped_differences=[] if sequential else _stopped_differences(rows),
        sequential=_sequential(rows) if sequential else [],
    )


def tuning_table(data: str, trials: Sequence[TuningTrial]) -> TuningTable:
    """The trials of one data set as a table of methods and settings."""
    settings = sorted({(one.rate, one.weight) for one in trials})
    cells: Cells = []
    for name in dict.fromkeys(one.method for one in trials):
        own = {(one.rate, one.weight): f"{one.gap:.4f}, {one.rise:+.1%}" for one in trials if one.method == name}
        cells.append([name, *(own.get(setting, "") for setting in settings)])
    return TuningTable(data, [f"{rate:g}, {weight:g}" for rate, weight in settings], cells)


def command(rows: Sequence[Result]) -> str:
    """The command that measures the results of one world."""
    names = dict.fromkeys("shards" if row.method in SHARDED else row.method for row in rows)
    methods = ",".join(name for name in names if name not in (*YARDSTICKS, "weakened"))
    seeds = str(max(row.seed for row in rows) + 1)
    return command_line("bench", "-w", "WORKSPACE", "--kinds", rows[0].kind, "--seeds", seeds, "--methods", methods)


def format_interval(value: tuple[float, float], digits: int = 3) -> str:
    """A mean with the half-width of its interval; the mean alone where the interval is infinite.

    Args:
        value: Mean and half-width.
        digits: Number of decimals.
    """
    mean, half = value
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if math.isfinite(half) else "")


def _floor(rows: Sequence[Result]) -> Cells:
    cells: Cells = []
    for name in YARDSTICKS:
        own = [row for row in rows if row.method == name]
        values: tuple[Value, ...] = (*MEASURES[:3], gap, *MEASURES[3:], lambda row: row.test_auc)
        cells.append([name, *(format_interval(over_seeds(own, value)) for value in values)])
    return cells


def _resolution(rows: Sequence[Result]) -> Resolution | None:
    residuals, gaps = fronts(rows), fronts(rows, value=gap)
    halves = [
        [
            paired(table[ours], table[name])[1]
            for ours in CURE_METHODS
            for name in BASELINES
            if ours in table and name in table
        ]
        for table in (residuals, gaps)
    ]
    if not all(halves):
        return None
    original, reference = ([row for row in rows if row.method == name] for name in YARDSTICKS)
    noise = [float(np.median(half)) for half in halves]
    room = over_seeds(original, residual)[0] - over_seeds(reference, residual)[0]
    return Resolution(room, over_seeds(original, lambda row: row.forget_gap)[0], *noise)


def _best(rows: Sequence[Result]) -> Cells:
    best = fronts(rows)
    names = sorted(best, key=lambda name: np.mean(list(best[name].values())))
    return [_method_cells(rows, [name], best_points(rows, name), _costs(rows, name)) for name in names]


def _costs(rows: Sequence[Result], name: str) -> list[Result]:
    """A method's best points, to read their costs.

    Where the best point is the unchanged original, the costs are those of the method's stopping point.
    """
    ended = {row.seed: row for row in rows if row.method == name and row.stopped}
    return [ended.get(row.seed, row) if row.method == "original" else row for row in best_points(rows, name)]


def _least(rows: Sequence[Result]) -> Cells:
    cells: Cells = []
    for name, front in sorted(fronts(rows, value=gap).items()):
        best = best_points(rows, name)
        better = sum(row.method != "original" for row in best)
        cells.append([name, format_interval(mean_interval(list(front.values()))), f"{better} of {len(best)}"])
    return cells


def _differences(rows: Sequence[Result]) -> Cells:
    residuals, gaps = fronts(rows), fronts(rows, value=gap)
    return [
        _difference_cells(ours, name, (residuals, gaps))
        for ours in CURE_METHODS
        for name in (*BASELINES, "weakened", "negation", *controls_of(ours, residuals))
        if ours in residuals and name in residuals
    ]


def _by_budget(rows: Sequence[Result]) -> Cells:
    tables = [fronts(rows, budget) for budget in BUDGETS]
    return [
        [name, *(f"{mean_interval(list(table[name].values()))[0]:.3f}" for table in tables)]
        for name in sorted(tables[0])
    ]


def _stopped(rows: Sequence[Result]) -> Cells:
    return [
        _method_cells(rows, [name], [row for row in rows if row.method == name and row.stopped])
        for name in _trained(rows)
    ]


def _stopped_differences(rows: Sequence[Result]) -> Cells:
    residuals, gaps = own_stop(rows, residual), own_stop(rows, gap)
    return [
        _difference_cells(ours, name, (residuals, gaps))
        for ours in CURE_METHODS
        for name in BASELINES
        if ours in residuals and name in residuals
    ]


def _sequential(rows: Sequence[Result]) -> Cells:
    cells: Cells = []
    for name in _trained(rows):
        for served in sorted({row.strength for row in rows if row.method == name}):
            points = [row for row in rows if (row.method, row.strength) == (name, served)]
            cells.append(_method_cells(rows, [name, f"{served:.0f}"], points))
    return cells


def _trained(rows: Sequence[Result]) -> list[str]:
    """Methods that have a learning rate, and so a stopping rule."""
    return sorted({row.method for row in rows if row.rate})


def _method_cells(
    rows: Sequence[Result], names: list[str], points: Sequence[Result], costs: Sequence[Result] = ()
) -> list[str]:
    original = before(rows)
    values: tuple[Value, ...] = (*MEASURES, lambda row: row.test_auc - original[row.seed].test_auc)
    measured = [format_interval(over_seeds(points, value)) for value in values]
    return [*names, *measured, *(f"{over_seeds(costs or points, value)[0]:.{digits}f}" for value, digits in COSTS)]


def _difference_cells(ours: str, name: str, tables: Sequence[Mapping[str, Front]]) -> list[str]:
    return [ours, name, *(format_interval(paired(table[ours], table[name])) for table in tables)]
