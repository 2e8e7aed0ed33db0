"""The bench's rows as the tables that the benchmark page shows. Pure; no Streamlit."""

from collections.abc import Sequence

import pandas as pd

from core.benchmark.results import Row
from core.benchmark.statistics import (
    Value,
    before,
    best_points,
    fronts,
    is_control,
    of_control,
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

IN_A_ROW = ("benchmark-column-gap", "benchmark-column-residual", "benchmark-column-drift", "benchmark-column-utility")


def title(name: str) -> str:
    """A method's or control's name for people."""
    return NAMES[name] if name in NAMES else METHODS[name].title if name in METHODS else name


def floor(rows: Sequence[Row], value: Value = residual) -> tuple[float, float]:
    """The least and the largest value of a reference against the others."""
    found = [value(row) for row in rows if row.method == "reference"]
    return min(found), max(found)


def start(rows: Sequence[Row], value: Value = residual) -> float:
    """The original's mean value."""
    return over_seeds(list(before(rows).values()), value)[0]


def ways(rows: Sequence[Row], methods: Sequence[str], value: Value = residual) -> pd.DataFrame:
    """The points of each method: mean over seeds at each strength that every seed has."""
    original, points = before(rows), []
    for name in methods:
        own = [row for row in rows if row.method == name]
        for strength in sorted({row.strength for row in own}):
            here = [row for row in own if row.strength == strength]
            if {row.seed for row in here} < {row.seed for row in own}:
                continue  # where a search ended, which differs between seeds
            utility = over_seeds(here, lambda row: row.test_auc - original[row.seed].test_auc)[0]
            points.append((title(name), strength, utility, over_seeds(here, value)[0]))
    return pd.DataFrame(points, columns=["method", "strength", "utility", "value"])


def differences(rows: Sequence[Row], ours: str, value: Value = residual) -> pd.DataFrame:
    """`ours` less each rival and each control of its own, at equal utility, rivals first, the most ahead first."""
    best = fronts(rows, value=value)
    found = []
    for name in best:
        if name == ours or (is_control(name) and of_control(name) != ours):
            continue
        mean, half = paired(best[ours], best[name])
        kind = t("benchmark-differences-control" if is_control(name) else "benchmark-differences-rival")
        found.append((title(name), kind, mean, mean - half, mean + half, is_control(name)))
    found.sort(key=lambda row: (row[-1], row[2]))
    return pd.DataFrame([row[:-1] for row in found], columns=["name", "kind", "value", "low", "high"])


def figures(rows: Sequence[Row]) -> pd.DataFrame:
    """Every method at its best point, means over seeds, the least residual first."""
    original = before(rows)
    values: tuple[Value, ...] = (
        lambda row: row.residual,
        lambda row: row.reach,
        lambda row: row.forget_gap,
        lambda row: row.membership_auc,
        lambda row: row.test_auc - original[row.seed].test_auc,
        lambda row: row.seconds,
        lambda row: row.circuit_seconds,
        lambda row: row.moved,
    )
    table = [
        (title(name), *(over_seeds(best_points(rows, name), value)[0] for value in values)) for name in fronts(rows)
    ]
    frame = pd.DataFrame(table, columns=[t(name) for name in COLUMNS])
    return frame.sort_values(frame.columns[1], ignore_index=True)


def in_a_row(rows: Sequence[Row]) -> pd.DataFrame:
    """Each method before the first request and after each of them: mean over seeds of what IN_A_ROW names."""
    original = before(rows)
    values: tuple[Value, ...] = (
        lambda row: row.forget_gap,
        lambda row: row.residual,
        lambda row: row.drift,
        lambda row: row.test_auc - original[row.seed].test_auc,
    )
    found = []
    for name in dict.fromkeys(row.method for row in rows if row.rate):  # baselines serve nobody
        own = [row for row in rows if row.method == name]
        points = {0: list(original.values())} | {
            int(served): [row for row in own if row.strength == served]
            for served in sorted({row.strength for row in own})
        }
        for served, here in points.items():
            found += [
                (title(name), served, t(measure), over_seeds(here, value)[0])
                for measure, value in zip(IN_A_ROW, values, strict=True)
            ]
    return pd.DataFrame(found, columns=["method", "served", "measure", "value"])


def after(data: pd.DataFrame, served: int) -> pd.DataFrame:
    """What `in_a_row` has after so many requests: a row a method, a column a measure."""
    wide = data[data["served"] == served].pivot(index="method", columns="measure", values="value")
    return wide[[t(measure) for measure in IN_A_ROW]].rename_axis(index=t("benchmark-column-method"), columns=None)
