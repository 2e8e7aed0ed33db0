"""Rows -> the Markdown report: the noise floor first, then the fronts, the paired differences, the controls, the costs."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from core.bench.contestants import CONTROLS, of_control
from core.bench.rows import Row, read_rows
from core.bench.tuning import Tried
from core.files import read_json, write_text
from core.unlearning.methods import METHODS

BUDGETS = (0.0, 0.0025, 0.005, 0.01)
EQUAL = 0.005  # the loss of test AUC within which methods are compared
RIVALS = ("gradient_ascent", "graddiff", "npo", "e2urec", "pcgrad", "uniform")
OURS = ("cure", "cure_memory")
Value = Callable[[Row], float]
World = tuple[str, str, str]  # data, task, kind


def worlds(rows: Iterable[Row]) -> list[tuple[World, list[Row]]]:
    """The rows of each (data, task, kind)."""
    key: Callable[[Row], World] = lambda row: (row.data, row.task, row.kind)  # noqa: E731
    return [(world, list(group)) for world, group in groupby(sorted(rows, key=key), key)]


def fronts(rows: Sequence[Row], budget: float = EQUAL, value: Value = lambda row: row.residual) -> dict[str, dict]:
    """For each method and seed the least `value` of its points whose test AUC is at most `budget` below the original's.

    Having done nothing is a point of every method, so that nobody is worse than the original.
    """
    before = {row.seed: row for row in rows if row.method == "original"}
    found: dict[str, dict[int, float]] = {}
    for row in rows:
        if row.method in ("original", "reference"):
            continue
        own = found.setdefault(row.method, {})
        own.setdefault(row.seed, value(before[row.seed]))
        if row.test_auc >= before[row.seed].test_auc - budget:
            own[row.seed] = min(own[row.seed], value(row))
    return found


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half-width of Student's 95 % interval; infinite for one value."""
    data = np.array(values, float)
    if len(data) < 2:
        return float(data.mean()) if len(data) else math.nan, math.inf
    half = student.ppf(0.975, len(data) - 1) * data.std(ddof=1) / math.sqrt(len(data))
    return float(data.mean()), float(half)


def paired(left: dict[int, float], right: dict[int, float]) -> tuple[float, float]:
    """Mean difference over common seeds with its interval."""
    return mean_interval([left[seed] - right[seed] for seed in sorted(left.keys() & right.keys())])


def told(value: tuple[float, float], digits: int = 3) -> str:
    mean, half = value
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if math.isfinite(half) else "")


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
    lines = ["# Unlearning: every method in one harness", "", *verdicts(rows), "", *READING, ""]
    for (data, task, kind), own in worlds(rows):
        seeds = len({row.seed for row in own})
        lines += [f"## {data}, {task}, {kind}: {seeds} seed{'s' * (seeds != 1)}", ""]
        for part in (floor_lines(own), method_lines(own), difference_lines(own), front_lines(own), stop_lines(own)):
            lines += [*part, ""]
    return "\n".join([*lines, *tuning_lines(trials), ""])


READING = [
    "Made by `python -m core bench`. Each seed has an adapter, people to forget and three references of its own; ± is the half-width of "
    "Student's 95 % interval over seeds, differences are paired by seed. Residual: 1 = did nothing, 0 = equal to every "
    "reference; what one reference scores against the others is the floor, and as the original often lies near it, part "
    "of the residual is the noise of seeds. Reach tells how far along the way to the references' mean a model went. "
    "Gap: AUC on the forgotten ratings less the references'. *Best* is the point of least residual whose test AUC is at "
    f"most {EQUAL} below the original's, chosen with test and references in sight, for every method alike; *own stop* "
    "is where validation and holdout people end the run. Controls are CURE with one piece taken away.",
]


def verdicts(rows: Sequence[Row]) -> list[str]:
    """The first paragraph: what the figures allow to say of CURE, of its controls and of dropping the adapter."""
    sentences = []
    for (data, task, kind), own in worlds(rows):
        best = fronts(own)
        for ours in OURS:
            if ours not in best:
                continue
            others = [name for name in best if name not in (*OURS, *CONTROLS)]
            ahead, behind = _compared(best, ours, others)
            as_good = [
                name for name in CONTROLS if name in best and of_control(name) == ours and not _better(best, ours, name)
            ]
            sentences.append(
                f"**{data}, {task}, {kind}**: at equal utility {ours} has a smaller residual than {_listed(ahead)}, a larger "
                f"one than {_listed(behind)}; from the others it cannot be told apart. "
                + (
                    f"These controls do as well as {ours}: {_listed(as_good)}."
                    if as_good
                    else "No control does as well."
                )
            )
    return [*sentences] if sentences else ["No run of CURE is in these rows."]


def _better(best: dict[str, dict], left: str, right: str) -> bool:
    """Whether the interval of left - right lies under 0."""
    mean, half = paired(best[left], best[right])
    return mean + half < 0


def _compared(best: dict[str, dict], ours: str, others: Sequence[str]) -> tuple[list[str], list[str]]:
    return [name for name in others if _better(best, ours, name)], [n for n in others if _better(best, n, ours)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nobody"


def floor_lines(rows: Sequence[Row]) -> list[str]:
    """The original and the references against one another."""
    kept = {name: [row for row in rows if row.method == name] for name in ("original", "reference")}
    lines = ["| | residual | reach | gap | membership | test AUC |", "| --- | --- | --- | --- | --- | --- |"]
    for name, own in kept.items():
        cells = (_over_seeds(own, value) for value in MEASURES)
        lines.append(f"| {name} | " + " | ".join(map(told, cells)) + " |")
    return lines


MEASURES: tuple[Value, ...] = (
    lambda row: row.residual,
    lambda row: row.reach,
    lambda row: row.forget_gap,
    lambda row: row.membership_auc,
    lambda row: row.test_auc,
)


def _over_seeds(rows: Sequence[Row], value: Value) -> tuple[float, float]:
    """Mean over seeds of a scene's mean."""
    seeds = sorted({row.seed for row in rows})
    return mean_interval([float(np.mean([value(row) for row in rows if row.seed == seed])) for seed in seeds])


def best_points(rows: Sequence[Row], method: str, budget: float = EQUAL) -> list[Row]:
    """Per seed the point of least residual within the budget; the original where none is better."""
    before = {row.seed: row for row in rows if row.method == "original"}
    found = dict(before)
    for row in rows:
        allowed = row.method == method and row.test_auc >= before[row.seed].test_auc - budget
        if allowed and row.residual < found[row.seed].residual:
            found[row.seed] = row
    there = {row.seed for row in rows if row.method == method}
    return [found[seed] for seed in sorted(there)]


def method_lines(rows: Sequence[Row]) -> list[str]:
    """Each method at its best point, with what it costs."""
    best = fronts(rows)
    head = "| method | residual | reach | gap | membership | test AUC less original's | seconds | circuit | moved |"
    lines = ["At the best point within the budget:", "", head, "| --- " * 9 + "|"]
    for name in sorted(best, key=lambda name: np.mean(list(best[name].values()))):
        lines.append(_method_line(rows, name, best_points(rows, name)))
    return lines


def stop_lines(rows: Sequence[Row]) -> list[str]:
    """Each method where its own rule stops it."""
    head = "| method | residual | reach | gap | membership | test AUC less original's | seconds | circuit | moved |"
    lines = ["Where its own rule stops it:", "", head, "| --- " * 9 + "|"]
    for name in sorted({row.method for row in rows} & {*METHODS, *CONTROLS}):
        lines.append(_method_line(rows, name, [row for row in rows if row.method == name and row.stopped]))
    return lines


def _method_line(rows: Sequence[Row], name: str, points: Sequence[Row]) -> str:
    before = {row.seed: row.test_auc for row in rows if row.method == "original"}
    values: tuple[Value, ...] = (
        *MEASURES[:4],
        lambda row: row.test_auc - before[row.seed],
    )
    cost: tuple[Value, ...] = (lambda row: row.seconds, lambda row: row.circuit_seconds, lambda row: row.moved)
    cells = [told(_over_seeds(points, value)) for value in values]
    cells += [f"{_over_seeds(points, value)[0]:.{digits}f}" for value, digits in zip(cost, (1, 1, 2), strict=True)]
    return f"| {name} | " + " | ".join(cells) + " |"


def difference_lines(rows: Sequence[Row]) -> list[str]:
    """Ours less each rival and control, in residual and in the size of the gap; under 0 is better."""
    best, gaps = fronts(rows), fronts(rows, value=lambda row: abs(row.forget_gap))
    lines = ["Paired differences at equal utility, under 0 = ours is ahead:", ""]
    lines += ["| ours | against | residual | size of the gap |", "| --- | --- | --- | --- |"]
    for ours in OURS:
        for name in (*RIVALS, "weakened", "negation", *CONTROLS):
            if ours in best and name in best and (name not in CONTROLS or of_control(name) == ours):
                cells = (told(paired(table[ours], table[name])) for table in (best, gaps))
                lines.append(f"| {ours} | {name} | " + " | ".join(cells) + " |")
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


def tuning_lines(trials: Mapping[str, Sequence[Tried]]) -> list[str]:
    """Every trial of the tuning, by data set."""
    lines = [
        "## Tuning",
        "",
        "Gap in nats on validation and holdout people at each learning rate; the smallest was taken.",
        "",
    ]
    for data, own in trials.items():
        rates = sorted({one.rate for one in own})
        lines += [f"| {data} | " + " | ".join(f"{rate:g}" for rate in rates) + " |", "| --- " * (len(rates) + 1) + "|"]
        for name in dict.fromkeys(one.method for one in own):
            gaps = {one.rate: one.gap for one in own if one.method == name}
            lines.append(f"| {name} | " + " | ".join(f"{gaps.get(rate, math.nan):.4f}" for rate in rates) + " |")
        lines.append("")
    return lines if trials else []
