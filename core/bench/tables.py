"""Rows -> the Markdown report: the noise floor first, then the methods, the differences, the fronts, the controls, the costs."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from core.bench.rows import Row, Tried, read_rows
from core.bench.statistics import (
    CRITERIA,
    EQUAL,
    OURS,
    YARDSTICKS,
    Standing,
    Value,
    before,
    best_points,
    controls_of,
    fronts,
    gap,
    mean_interval,
    over_seeds,
    paired,
    standing,
    worlds,
)
from core.files import read_json, write_text

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
    lines = ["# Unlearning: every method in one harness", "", *verdicts(rows), *READING, ""]
    for (data, task, kind), own in worlds(rows):
        seeds = len({row.seed for row in own})
        lines += [f"## {data}, {task}, {kind}: {seeds} seed{'s' * (seeds != 1)}", "", f"`{command(own)}`", ""]
        parts = (floor_lines, row_lines) if kind == "row" else PARTS
        lines += [line for part in parts for line in (*part(own), "")]
    return "\n".join([*lines, *tuning_lines(trials), ""])


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
    "of the residual is the noise of seeds. Reach tells how far along the way to the references' mean a model went. "
    "Gap: AUC on the forgotten ratings less the references'. *Best* is the point of least residual whose test AUC is at "
    f"most {EQUAL} below the original's, chosen with test and references in sight, for every method alike; *own stop* "
    "is where validation and holdout people end the run. Controls are CURE with one piece taken away. Drift: the residual on kept people's test rows; over 1, a model went further "
    "from a retrained one than the original was. Seconds leave out measuring; circuit: finding the groups.",
]


def verdicts(rows: Sequence[Row]) -> list[str]:
    """The first paragraph, of CURE's controls, and for each world where our methods stand by each measure."""
    found = [
        (", ".join(world), measure, one)
        for world, own in worlds(rows)
        for measure, value in CRITERIA.items()
        for ours in OURS
        if world[2] != "row" and (one := standing(own, ours, value))
    ]
    if not found:
        return ["No run of CURE is in these rows.", ""]
    table = [_standing_line(*line) for line in found if line[2].ahead or line[2].behind]
    return [_controls([one for _, _, one in found]), "", *STANDING, *table, "", *_undecided(found)]


def _undecided(found: Sequence[tuple[str, str, Standing]]) -> list[str]:
    """Where a method of ours is told apart from no rival at all."""
    names: dict[str, list[str]] = {}
    for world, measure, one in found:
        if not (one.ahead or one.behind):
            names.setdefault(world, []).append(f"{one.method} by {measure}")
    said = "; ".join(f"{world}: {_listed(own)}" for world, own in names.items())
    return [f"Told apart from no rival: {said}.", ""] if said else []


def _controls(found: Sequence[Standing]) -> str:
    """Whether the parts that CURE chooses matter: the sentence that comes first."""
    tested = [one for one in found if one.controls]
    equal = [one for one in tested if one.as_good]
    if not tested:
        return "No control took part, so whether the parts that CURE chooses matter is not shown."
    if not equal:
        return "No control does as well as the method of ours that it is made of, in any of these comparisons."
    names = _listed(sorted({name for one in equal for name in one.as_good}))
    return (
        f"**Controls do as well as CURE**: in {len(equal)} of {len(tested)} comparisons (world, measure, method of ours) at "
        f"least one control cannot be told from the method that it is made of, or is ahead of it; at least once each of {names}."
    )


STANDING = [
    "Where our methods stand at equal utility, by the 95 % interval of the difference paired by seed:",
    "",
    "| world | measure | ours | ahead of | behind | not told apart | controls that do as well |",
    "| --- " * 7 + "|",
]


def _standing_line(world: str, measure: str, one: Standing) -> str:
    cells = (_listed(names) for names in (one.ahead, one.behind, one.even, one.as_good))
    return f"| {world} | {measure} | {one.method} | " + " | ".join(cells) + " |"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def told(value: tuple[float, float], digits: int = 3) -> str:
    mean, half = value
    return f"{mean:.{digits}f}" + (f" ± {half:.{digits}f}" if math.isfinite(half) else "")


def floor_lines(rows: Sequence[Row]) -> list[str]:
    """The original and the references against one another."""
    lines = ["| | residual | reach | gap | membership | drift | test AUC |", "| --- " * 7 + "|"]
    for name in YARDSTICKS:
        own = [row for row in rows if row.method == name]
        cells = (over_seeds(own, value) for value in (*MEASURES, lambda row: row.test_auc))
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
        *(_method_line(rows, n, best_points(rows, n)) for n in names),
    ]


def stop_lines(rows: Sequence[Row]) -> list[str]:
    """Each method where its own rule stops it."""
    stepped = sorted({row.method for row in rows if row.rate})
    points = {name: [row for row in rows if row.method == name and row.stopped] for name in stepped}
    return ["Where its own rule stops it:", "", *HEAD, *(_method_line(rows, name, points[name]) for name in stepped)]


def row_lines(rows: Sequence[Row]) -> list[str]:
    """People who asked one after the other: after how many, how near to retraining without all of them."""
    lines = ["After so many requests in a row, each run stopped by its own rule:", ""]
    lines += [HEAD[0].replace("| method |", "| method | served |"), HEAD[1] + " --- |"]
    for name in sorted({row.method for row in rows if row.rate}):
        for served in sorted({row.strength for row in rows if row.method == name}):
            points = [row for row in rows if (row.method, row.strength) == (name, served)]
            lines.append(_method_line(rows, f"{name} | {served:.0f}", points))
    return lines


HEAD = [
    "| method | residual | reach | gap | membership | drift | test AUC less original's | seconds | circuit | moved |",
    "| --- " * 10 + "|",
]


def _method_line(rows: Sequence[Row], name: str, points: Sequence[Row]) -> str:
    original = before(rows)
    values: tuple[Value, ...] = (*MEASURES, lambda row: row.test_auc - original[row.seed].test_auc)
    cells = [told(over_seeds(points, value)) for value in values]
    cells += [f"{over_seeds(points, value)[0]:.{digits}f}" for value, digits in zip(COST, (1, 1, 2), strict=True)]
    return f"| {name} | " + " | ".join(cells) + " |"


def difference_lines(rows: Sequence[Row]) -> list[str]:
    """Ours less each rival and control, in residual and in the size of the gap; under 0 is better."""
    best, gaps = fronts(rows), fronts(rows, value=gap)
    lines = ["Paired differences at equal utility, under 0 = ours is ahead:", ""]
    lines += ["| ours | against | residual | size of the gap |", "| --- | --- | --- | --- |"]
    for ours in OURS:
        for name in (*RIVALS, "weakened", "negation", *controls_of(ours, best)):
            if ours in best and name in best:
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


PARTS = (floor_lines, bound_lines, method_lines, difference_lines, front_lines, stop_lines)


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
