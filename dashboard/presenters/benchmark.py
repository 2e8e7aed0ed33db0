"""Benchmark results as the tables and sentences of the benchmark page; pure functions without Streamlit."""

from collections.abc import Sequence

import pandas as pd

from core.benchmark.results import Result
from core.benchmark.statistics import (
    CURE_METHODS,
    Value,
    before,
    best_points,
    fronts,
    is_control,
    method_of_control,
    over_seeds,
    paired,
    residual,
)
from core.unlearning.methods import METHODS
from dashboard.presenters.i18n import Texts, t

NAMES = Texts(
    {
        "cure": "benchmark-ours-cure",
        "cure_memory": "benchmark-ours-cure-memory",
        "cure_merge": "benchmark-ours-cure-merge",
        "cure_random": "benchmark-control-cure-random",
        "cure_inverted": "benchmark-control-cure-inverted",
        "cure_all_shared": "benchmark-control-cure-all-shared",
        "cure_no_projection": "benchmark-control-cure-no-projection",
        "cure_frozen_retain": "benchmark-control-cure-frozen-retain",
        "cure_no_pagerank": "benchmark-control-cure-no-pagerank",
        "cure_by_gradient": "benchmark-control-cure-by-gradient",
        "memory_random": "benchmark-control-memory-random",
        "merge_random": "benchmark-control-merge-random",
        "merge_inverted": "benchmark-control-merge-inverted",
        "merge_all_shared": "benchmark-control-merge-all-shared",
        "merge_no_projection": "benchmark-control-merge-no-projection",
        "merge_by_circuit": "benchmark-control-merge-by-circuit",
        "weakened": "benchmark-weakened",
        "negation": "benchmark-negation",
        "sisa": "benchmark-sisa",
        "apa": "benchmark-apa",
        "receraser": "benchmark-receraser",
    }
)
COLUMNS = (
    "benchmark-column-method",
    "benchmark-column-residual",
    "benchmark-column-reach",
    "benchmark-column-gap",
    "benchmark-column-membership",
    "benchmark-column-utility",
    "benchmark-column-seconds",
    "benchmark-column-circuit",
    "benchmark-column-moved",
)

SEQUENTIAL = ("benchmark-column-gap", "benchmark-column-residual", "benchmark-column-drift", "benchmark-column-utility")


def title(name: str) -> str:
    """Return the display name of a method or control."""
    return NAMES[name] if name in NAMES else METHODS[name].title if name in METHODS else name


def floor(rows: Sequence[Result], value: Value = residual) -> tuple[float, float]:
    """Return the least and the largest value of a retrained reference against the others."""
    values = [value(row) for row in rows if row.method == "reference"]
    return min(values), max(values)


def start(rows: Sequence[Result], value: Value = residual) -> float:
    """Return the mean value of the original model."""
    return over_seeds(list(before(rows).values()), value)[0]


def tradeoffs(rows: Sequence[Result], methods: Sequence[str], value: Value = residual) -> pd.DataFrame:
    """Return forgetting and quality of each method, one row per strength that every seed has.

    Args:
        rows: Benchmark rows of one scenario.
        methods: Methods to include.
        value: Measure of forgetting.

    Returns:
        Columns method, strength, utility (change of test AUC) and value, means over seeds.
    """
    original, points = before(rows), []
    for name in methods:
        own = [row for row in rows if row.method == name]
        for strength in sorted({row.strength for row in own}):
            here = [row for row in own if row.strength == strength]
            if {row.seed for row in here} < {row.seed for row in own}:
                continue  # the last strength of a search differs between seeds
            utility = over_seeds(here, lambda row: row.test_auc - original[row.seed].test_auc)[0]
            points.append((title(name), strength, utility, over_seeds(here, value)[0]))
    return pd.DataFrame(points, columns=["method", "strength", "utility", "value"])


def differences(rows: Sequence[Result], ours: str, value: Value = residual) -> pd.DataFrame:
    """Return our method less each other method and each control of it, at equal utility.

    Args:
        rows: Benchmark rows of one scenario.
        ours: Our method.
        value: Measure of forgetting.

    Returns:
        Columns name, kind, value, low and high; other methods, other forms of CURE, controls; the largest lead first.
    """
    best = fronts(rows, value=value)
    compared = []
    for name in best:
        if name == ours or (is_control(name) and method_of_control(name) != ours):
            continue
        mean, half = paired(best[ours], best[name])
        kind = "control" if is_control(name) else "own" if name in CURE_METHODS else "rival"
        compared.append((title(name), kind, mean, mean - half, mean + half))
    compared.sort(key=lambda row: (("rival", "own", "control").index(row[1]), row[2]))
    words = [(name, t(f"benchmark-differences-{kind}"), *numbers) for name, kind, *numbers in compared]
    return pd.DataFrame(words, columns=["name", "kind", "value", "low", "high"])


def figures(rows: Sequence[Result]) -> pd.DataFrame:
    """List every method at its best point, means over seeds, the least residual first."""
    original = before(rows)
    values: tuple[Value, ...] = (
        lambda row: row.residual,
        lambda row: row.reach,
        lambda row: row.forget_gap,
        lambda row: row.membership_auc,
        lambda row: row.test_auc - original[row.seed].test_auc,
        lambda row: row.seconds,
        lambda row: row.circuit_seconds,
        lambda row: row.movable_share,
    )
    table = [
        (title(name), *(over_seeds(best_points(rows, name), value)[0] for value in values)) for name in fronts(rows)
    ]
    frame = pd.DataFrame(table, columns=[t(name) for name in COLUMNS])
    return frame.sort_values(frame.columns[1], ignore_index=True)


def sequential(rows: Sequence[Result]) -> pd.DataFrame:
    """Return the measures of SEQUENTIAL before the first request and after each one.

    Returns:
        Columns method, served (number of requests), measure and value, means over seeds.
    """
    original = before(rows)
    values: tuple[Value, ...] = (
        lambda row: row.forget_gap,
        lambda row: row.residual,
        lambda row: row.drift,
        lambda row: row.test_auc - original[row.seed].test_auc,
    )
    table = []
    for name in dict.fromkeys(row.method for row in rows if row.rate):  # original and references serve no request
        own = [row for row in rows if row.method == name]
        points = {0: list(original.values())} | {
            int(served): [row for row in own if row.strength == served]
            for served in sorted({row.strength for row in own})
        }
        for served, here in points.items():
            table += [
                (title(name), served, t(measure), over_seeds(here, value)[0])
                for measure, value in zip(SEQUENTIAL, values, strict=True)
            ]
    return pd.DataFrame(table, columns=["method", "served", "measure", "value"])


def after(data: pd.DataFrame, served: int) -> pd.DataFrame:
    """Return the values of `sequential` after `served` requests: one row per method, one column per measure."""
    wide = data[data["served"] == served].pivot(index="method", columns="measure", values="value")
    return wide[[t(measure) for measure in SEQUENTIAL]].rename_axis(index=t("benchmark-column-method"), columns=None)
