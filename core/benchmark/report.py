"""Rows -> the Markdown report: the noise floor first, then the methods, the differences, the fronts, the controls, the costs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.benchmark.entrants import ENTRANTS
from core.benchmark.headline import listed, verdicts
from core.benchmark.results import Row, Tried, read_rows
from core.benchmark.statistics import (
    EQUAL,
    OURS,
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
    worlds,
)
from core.unlearning.methods import METHODS
from core.utils.atomic_io import write_text
from core.utils.serialization import read_json

BUDGETS = (0.0, 0.0025, 0.005, 0.01)
SHARDS = ("sisa", "apa", "receraser")  # measured together
RIVALS = ("finetune", "gradient_ascent", "graddiff", "npo", "e2urec", "pcgrad", "uniform")
MEASURES: tuple[Value, ...] = (
    lambda row: row.residual,
    lambda row: row.reach,
    lambda row: row.forget_gap,
    lambda row: row.membership_auc,
    lambda row: row.drift,
)
COST: tuple[Value, ...] = (lambda row: row.seconds, lambda row: row.circuit_seconds, lambda row: row.moved)


def write_report(target: Path) -> Path:
    """target/unlearning.md from all rows and trials under target/unlearning."""
    rows = [row for path in sorted((target / "unlearning").glob("*.parquet")) for row in read_rows(path)]
    trials = {
        path.name.removesuffix(".tuning.json"): read_json(path, tuple[Tried, ...])
        for path in sorted((target / "unlearning").glob("*.tuning.json"))
    }
    write_text(target / "unlearning.md", report(rows, trials))
    return target / "unlearning.md"


def report(rows: Sequence[Row], trials: Mapping[str, Sequence[Tried]]) -> str:
    """The whole report."""
    lines = ["# Unlearning: every method in one harness", "", *verdicts(rows), *READING, "", _unmeasured(rows), ""]
    for (data, task, kind), own in worlds(rows):
        seeds = len({row.seed for row in own})
        lines += [f"## {data}, {task}, {kind}: {seeds} seed{'s' * (seeds != 1)}", "", f"`{command(own)}`", ""]
        parts = (floor_lines, row_lines) if kind == "row" else PARTS
        lines += [line for part in parts for line in (*part(own), "")]
    return "\n".join([*lines, *tuning_lines(trials), ""])


def _unmeasured(rows: Sequence[Row]) -> str:
    """What is built, and stands in none of these rows."""
    there = {row.method for row in rows}
    names = [name for name in (*ENTRANTS, *SHARDS) if name not in there]
    return f"Built, tested, and in none of these rows: {listed(names)}."


def command(rows: Sequence[Row]) -> str:
    """What makes one world's rows."""
    names = dict.fromkeys("shards" if row.method in SHARDS else row.method for row in rows)
    asked = ",".join(name for name in names if name not in (*YARDSTICKS, "weakened"))
    seeds = max(row.seed for row in rows) + 1
    return f"python -m core bench -w WORKSPACE --kinds {rows[0].kind} --seeds {seeds} --methods {asked}"


READING = [
    "Each seed has an adapter, people to forget and references of its own; ± is the half-width of "
    "Student's 95 % interval over seeds, differences are paired by seed. Residual: 1 = did nothing, 0 = equal to every "
    "reference; what one reference scores against the others is the floor, and as the original often lies near it, part "
    "of the residual is the noise of seeds. The floor of the gap is the mean size of a reference's: who comes below it was lucky. Reach tells how far along the way to the references' mean a model went. "
    "Gap: AUC on the forgotten ratings less the references'. *Best* is the point of least residual whose test AUC is at "
    f"most {EQUAL} below the original's, chosen with test and references in sight, for every method and measure alike, so the best "
    "residual and the best gap of a method may be two models; *own stop* is where validation and holdout people end the run. "
    "`cure_merge` was chosen with the demo's seed 0 in sight (NOTES.md). Controls are CURE with one piece taken away. Drift: the residual on kept people's test rows; over 1, a model went further "
    "from a retrained one than the original was. Seconds leave out measuring; circuit: finding the groups.",
]


def told(value: tuple[float, float], digits: int = 3) -> str:
    mean, half = value
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if math.isfinite(half) else "")


def floor_lines(rows: Sequence[Row]) -> list[str]:
    """The original and the references against one another."""
    lines = ["| | residual | reach | gap | its size | membership | drift | test AUC |", "| --- " * 8 + "|"]
    for name in YARDSTICKS:
        own = [row for row in rows if row.method == name]
        cells = (over_seeds(own, value) for value in (*MEASURES[:3], gap, *MEASURES[3:], lambda row: row.test_auc))
        lines.append(f"| {name} | " + " | ".join(map(told, cells)) + " |")
    return lines


def bound_lines(rows: Sequence[Row]) -> list[str]:
    """How small a difference these scenes can show, beside how much there is to win."""
    best, gaps = fronts(rows), fronts(rows, value=gap)
    halves = [
        [paired(table[ours], table[name])[1] for ours in OURS for name in RIVALS if ours in table and name in table]
        for table in (best, gaps)
    ]
    if not all(halves):
        return []
    original, reference = ([row for row in rows if row.method == name] for name in YARDSTICKS)
    room = over_seeds(original, lambda row: row.residual)[0] - over_seeds(reference, lambda row: row.residual)[0]
    memory = over_seeds(original, lambda row: row.forget_gap)[0]
    noise = [float(np.median(half)) for half in halves]
    return [
        f"What bounds it: between the original and a reference lie {room:.3f} of residual and {memory:.3f} of gap. Of the "
        f"differences between a method of ours and a rival half are surer than ± {noise[0]:.3f} and ± {noise[1]:.3f}; who "
        "differs by less is not told apart here."
    ]


def method_lines(rows: Sequence[Row]) -> list[str]:
    """Each method at its best point, with what it costs."""
    best = fronts(rows)
    names = sorted(best, key=lambda name: np.mean(list(best[name].values())))
    return [
        "At the best point within the budget:",
        "",
        *HEAD,
        *(_method_line(rows, n, best_points(rows, n), _costs(rows, n)) for n in names),
    ]


def least_lines(rows: Sequence[Row]) -> list[str]:
    """Each method where its gap is least, and how often it has a point that beats doing nothing."""
    lines = [
        "At the best point by the gap, and in how many seeds the residual has a point that is better than doing nothing:",
        "",
    ]
    lines += ["| method | size of the gap | better than nothing |", "| --- " * 3 + "|"]
    for name, front in sorted(fronts(rows, value=gap).items()):
        best = best_points(rows, name)
        better = sum(row.method != "original" for row in best)
        lines.append(f"| {name} | {told(mean_interval(list(front.values())))} | {better} of {len(best)} |")
    return lines


def stop_lines(rows: Sequence[Row]) -> list[str]:
    """Each method where its own rule stops it."""
    stepped = sorted({row.method for row in rows if row.rate})
    points = {name: [row for row in rows if row.method == name and row.stopped] for name in stepped}
    residuals, gaps = own_stop(rows, residual), own_stop(rows, gap)
    pairs = [(ours, name) for ours in OURS for name in RIVALS if ours in residuals and name in residuals]
    return [
        f"Where its own rule stops it, after {METHODS['cure'].steps} steps at most, which is what a run hands over:", "", *HEAD,
        *(_method_line(rows, name, points[name]) for name in stepped), "",
        "Paired differences there, under 0 = ours is ahead:", "", *DIFFERENCES,
        *(_difference_line(ours, name, (residuals, gaps)) for ours, name in pairs),
    ]  # fmt: skip


def _difference_line(ours: str, name: str, tables: Sequence[Mapping[str, Front]]) -> str:
    return f"| {ours} | {name} | " + " | ".join(told(paired(table[ours], table[name])) for table in tables) + " |"


def row_lines(rows: Sequence[Row]) -> list[str]:
    """People who asked one after the other: after how many, how near to retraining without all of them."""
    lines = ["After so many requests in a row, each run stopped by its own rule:", ""]
    lines += [HEAD[0].replace("| method |", "| method | served |"), HEAD[1] + " --- |"]
    for name in sorted({row.method for row in rows if row.rate}):
        for served in sorted({row.strength for row in rows if row.method == name}):
            points = [row for row in rows if (row.method, row.strength) == (name, served)]
            lines.append(_method_line(rows, f"{name} | {served:.0f}", points))
    return lines


DIFFERENCES = ["| ours | against | residual | size of the gap |", "| --- | --- | --- | --- |"]
HEAD = [
    "| method | residual | reach | gap | membership | drift | test AUC less original's | seconds | circuit | moved |",
    "| --- " * 10 + "|",
]


def _costs(rows: Sequence[Row], name: str) -> list[Row]:
    """Its best points for their costs: where doing nothing was best, where its own rule ends it: that was paid for."""
    ended = {row.seed: row for row in rows if row.method == name and row.stopped}
    return [ended.get(row.seed, row) if row.method == "original" else row for row in best_points(rows, name)]


def _method_line(rows: Sequence[Row], name: str, points: Sequence[Row], costs: Sequence[Row] = ()) -> str:
    original = before(rows)
    values: tuple[Value, ...] = (*MEASURES, lambda row: row.test_auc - original[row.seed].test_auc)
    cells = [told(over_seeds(points, value)) for value in values]
    cells += [
        f"{over_seeds(costs or points, value)[0]:.{digits}f}" for value, digits in zip(COST, (1, 1, 2), strict=True)
    ]
    return f"| {name} | " + " | ".join(cells) + " |"


def difference_lines(rows: Sequence[Row]) -> list[str]:
    """Ours less each rival and control, in residual and in the size of the gap; under 0 is better."""
    best, gaps = fronts(rows), fronts(rows, value=gap)
    lines = ["Paired differences at equal utility, under 0 = ours is ahead:", ""]
    lines += DIFFERENCES
    for ours in OURS:
        for name in (*RIVALS, "weakened", "negation", *controls_of(ours, best)):
            if ours in best and name in best:
                lines.append(_difference_line(ours, name, (best, gaps)))
    return lines


def front_lines(rows: Sequence[Row]) -> list[str]:
    """The front: least residual by what may be lost of test AUC."""
    by_budget = [fronts(rows, budget) for budget in BUDGETS]
    lines = ["Least residual by the loss of test AUC that is allowed:", ""]
    lines += [
        "| method | " + " | ".join(f"{budget:g}" for budget in BUDGETS) + " |",
        "| --- " * (len(BUDGETS) + 1) + "|",
    ]
    for name in sorted(by_budget[0]):
        cells = (f"{mean_interval(list(found[name].values()))[0]:.3f}" for found in by_budget)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


PARTS = (floor_lines, bound_lines, method_lines, least_lines, difference_lines, front_lines, stop_lines)


def tuning_lines(trials: Mapping[str, Sequence[Tried]]) -> list[str]:
    """Every trial of the tuning, by data set."""
    lines = [
        "## Tuning",
        "",
        "At each learning rate and weight of the forget gradient: how much more the adapter helps the forgotten people than strangers at the end, in nats, and the "
        "rise of the validation loss. The smallest gap that costs at most 1 % was taken, else the smallest rise.",
        "",
    ]
    for data, own in trials.items():
        settings = sorted({(one.rate, one.weight) for one in own})
        lines += [
            f"| {data} | " + " | ".join(f"{rate:g}, {weight:g}" for rate, weight in settings) + " |",
            "| --- " * (len(settings) + 1) + "|",
        ]
        for name in dict.fromkeys(one.method for one in own):
            cells = {(one.rate, one.weight): f"{one.gap:.4f}, {one.rise:+.1%}" for one in own if one.method == name}
            lines.append(f"| {name} | " + " | ".join(cells.get(setting, "") for setting in settings) + " |")
        lines.append("")
    return lines if trials else []
