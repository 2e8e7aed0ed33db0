"""Results as tables to show and to export, and the safe CSV export.

Pure functions. Titles and names stay text; exported cells never become spreadsheet formulas.
"""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from core.types import (
    Circuit,
    Edge,
    Evaluation,
    Interaction,
    Interval,
    Item,
    MemoryContrast,
    Metrics,
    ModuleGroup,
    Overlap,
    Recommendation,
)
from core.utils.text import visible
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.list_phrases import rank_change
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, date, module_title, stated_group

FORMULA = tuple("=+-@＝＋－＠\t\r\n")  # with the full-width characters, which some spreadsheets accept too
METRIC_TEXTS = Texts(
    {
        "test_auc": ("metric-test-auc", "metric-test-auc-read"),
        "test_log_loss": ("metric-log-loss", "metric-log-loss-read"),
        "hit_rate": ("metric-hit-rate", "metric-hit-rate-read"),
        "ndcg": ("metric-ndcg", "metric-ndcg-read"),
        "forget_auc": ("metric-forget-auc", "metric-forget-auc-read"),
        "holdout_auc": ("metric-holdout-auc", "metric-holdout-auc-read"),
        "membership_auc": ("metric-membership-auc", "metric-membership-auc-read"),
    }
)
MODELS = Texts(
    {
        "before": "before-after-model-before",
        "after": "before-after-model-after",
        "reference": "before-after-model-reference",
        "item_mean": "before-after-model-item-mean",
    }
)


def guard(cell: object) -> object:
    """Quote a text cell that a spreadsheet would run as a formula.

    Invisible characters are removed first, so that none can hide the start of a formula. Numbers stay numbers.
    """
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    return f"'{text}" if cell.startswith(FORMULA) or text.lstrip().startswith(FORMULA) else text


def csv(frame: pd.DataFrame) -> bytes:
    """Return a table as CSV that is safe to open in a spreadsheet."""
    safe = frame.map(guard)
    safe.columns = [guard(name) for name in frame.columns]
    return str(safe.to_csv(index=False)).encode("utf-8-sig")


def memory(modules: Sequence[MemoryContrast]) -> pd.DataFrame:
    """List the loss that each module's adapter saves, in nats per answer, the largest memory contrast first."""
    rows = [
        (module_title(row.module), stated_group(row), row.forget, row.holdout, row.contrast, row.contrast_noise)
        for row in sorted(modules, key=lambda row: -row.contrast)
    ]
    names = (
        "circuit-table-module",
        "circuit-table-group",
        "memory-forget",
        "memory-holdout",
        "memory-difference",
        "memory-noise",
    )
    return pd.DataFrame(rows, columns=[t(name) for name in names])


def history(events: Iterable[Interaction], items: dict[str, Item]) -> pd.DataFrame:
    """List one user's interactions as text, newest first."""
    rows = [
        (
            items[event.item].title if event.item in items else event.item,
            t("request-liked" if event.liked else "request-not-liked"),
            event.rating,
            date(event.time),
        )
        for event in reversed(tuple(events))
    ]
    return pd.DataFrame(
        rows,
        columns=[
            t("request-history-title"),
            t("request-history-liked"),
            t("request-history-rating"),
            t("request-history-date"),
        ],
    )


def modules(groups: Sequence[ModuleGroup], circuits: tuple[Circuit, Circuit]) -> pd.DataFrame:
    """List all modules with their group and the numbers behind it, the largest forget share first."""
    rows = [
        (
            row.module,
            module_title(row.module),
            stated_group(row),
            row.membership_probability,
            GROUP_WORDS[row.group],
            row.forget,
            row.retain,
            row.ratio,
            row.noise,
            row.conflict,
            *(number for circuit in circuits for number in _membership(circuit, row.module)),
        )
        for row in sorted(groups, key=lambda row: -row.forget)
    ]
    return pd.DataFrame(rows, columns=_module_columns())


def _module_columns() -> list[str]:
    return [
        t("circuit-table-module"),
        t("circuit-table-what"),
        t("circuit-table-group"),
        t("circuit-table-certainty"),
        t("circuit-table-serves"),
        t("circuit-table-forget"),
        t("circuit-table-retain"),
        t("circuit-table-ratio"),
        t("circuit-table-noise"),
        t("circuit-table-conflict"),
        t("circuit-table-in-forget"),
        t("circuit-table-certainty-forget"),
        t("circuit-table-in-retain"),
        t("circuit-table-certainty-retain"),
    ]


def _membership(circuit: Circuit, module: str) -> tuple[bool, float]:
    """Whether the circuit holds the module, and the share of bootstrap circuits that agree."""
    member = module in circuit.members
    inside = dict(zip(circuit.modules, circuit.membership_probability, strict=False)).get(module, math.nan)
    return member, inside if member else 1 - inside


def top_list(rows: Sequence[Recommendation], other: Sequence[Recommendation], first: bool = False) -> pd.DataFrame:
    """List a user's recommendations with the change of each title.

    Args:
        rows: The list to show.
        other: The list to compare with.
        first: Whether `rows` is the list before and `other` the list after.
    """
    before, after = (rows, other) if first else (other, rows)
    return pd.DataFrame(
        [(rank, row.title, rank_change(row.item, before, after)) for rank, row in enumerate(rows, 1)],
        columns=[t("before-after-list-rank"), t("before-after-list-title"), t("before-after-list-change")],
    )


def metrics(evaluation: Evaluation) -> pd.DataFrame:
    """List all metrics before, after and of the retrained references, with the difference in words."""
    rows = []
    for name, (title, meaning) in METRIC_TEXTS.items():
        before, after = getattr(evaluation.original, name), getattr(evaluation.unlearned, name)
        others = [getattr(reference, name) for reference in evaluation.references]
        rows.append((title, number(before), number(after), spread(others), against(after, others), meaning))
    mean = number(evaluation.item_mean_auc)
    rows.append((t("metric-item-mean"), mean, "", "", "", t("metric-item-mean-read")))
    columns = [
        t("before-after-table-measure"),
        t("before-after-table-before"),
        t("before-after-table-after"),
        t("before-after-table-references"),
        t("before-after-table-words"),
        t("before-after-table-read"),
    ]
    return pd.DataFrame(rows, columns=columns)


def number(value: Interval) -> str:
    """Format a value with its interval: "0.721 (0.701 to 0.741)"."""
    if not math.isfinite(value.value):
        return t("not-measured")
    if not math.isfinite(value.low):
        return f"{value.value:.3f}"
    return t("interval", value=f"{value.value:.3f}", low=f"{value.low:.3f}", high=f"{value.high:.3f}")


def spread(values: Sequence[Interval]) -> str:
    """Format the range of the retrained references."""
    finite = [value.value for value in values if math.isfinite(value.value)]
    if not finite:
        return t("before-after-no-references")
    return t("range", low=f"{min(finite):.3f}", high=f"{max(finite):.3f}")


def against(after: Interval, others: Sequence[Interval]) -> str:
    """Compare the unlearned model with the references in words; inside its own interval it is "a little" off."""
    finite = [value.value for value in others if math.isfinite(value.value)]
    if not finite or not math.isfinite(after.value):
        return ""
    if min(finite) <= after.value <= max(finite):
        return t("before-after-like")
    low, high = (after.low, after.high) if math.isfinite(after.low) else (after.value, after.value)
    near = high >= min(finite) and low <= max(finite)
    if after.value > max(finite):
        return t("before-after-little-above" if near else "before-after-above")
    return t("before-after-little-below" if near else "before-after-below")


def intervals(evaluation: Evaluation, names: Sequence[str]) -> pd.DataFrame:
    """Return the long table of the interval chart: measure, model, value, low, high."""
    models: list[tuple[str, Metrics]] = [
        (MODELS["before"], evaluation.original),
        (MODELS["after"], evaluation.unlearned),
        *((MODELS["reference"], reference) for reference in evaluation.references),
    ]
    rows = [
        (METRIC_TEXTS[name][0], model, value.value, value.low, value.high)
        for name in names
        for model, measures in models
        for value in [getattr(measures, name)]
    ]
    if "test_auc" in names:
        mean = evaluation.item_mean_auc
        rows.append((METRIC_TEXTS["test_auc"][0], MODELS["item_mean"], mean.value, mean.low, mean.high))
    return pd.DataFrame(rows, columns=["measure", "model", "value", "low", "high"])


def neighbours(overlaps: Sequence[Overlap], count: int) -> pd.DataFrame:
    """List the `count` other users most similar to the forgotten users, and the share of their lists that stays."""
    nearest = sorted(overlaps, key=lambda row: (-row.near, row.user))[:count]
    names = [t(f"before-column-{name}") for name in ("user", "similarity", "stays", "reference")]
    return pd.DataFrame([(row.user, round(row.near, 2), row.after, row.reference) for row in nearest], columns=names)


def connections(circuit: Circuit, module: str, count: int) -> pd.DataFrame:
    """List the strongest connections of one module; scores in logits, negative if cutting lowers the prediction."""
    rows = []
    for name, near, far in (("in", "target", "source"), ("out", "source", "target")):
        own = [edge for edge in circuit.edges if getattr(edge, near) == module][:count]
        rows += [
            (t(f"circuit-edge-{name}"), module_title(getattr(edge, far)), edge.input, round(edge.score, 3))
            for edge in own
        ]
    return pd.DataFrame(rows, columns=[t(f"circuit-edge-{name}") for name in ("way", "module", "input", "score")])


def connection_inputs(edges: Sequence[Edge]) -> pd.DataFrame:
    """List the inputs through which one connection enters its target, with the effect of each in logits."""
    rows = [
        (
            t(f"circuit-connection-input-{edge.input or 'other'}"),
            t(f"circuit-connection-{'opposing' if edge.score > 0 else 'supporting'}"),
            round(abs(edge.score), 3),
        )
        for edge in edges
    ]
    return pd.DataFrame(rows, columns=[t(f"circuit-connection-column-{name}") for name in ("input", "effect", "size")])


def regrouped(changed: Sequence[tuple[ModuleGroup, ModuleGroup]]) -> pd.DataFrame:
    """List the modules whose group an edit changes."""
    rows = [
        (module_title(old.module), GROUP_NAMES[old.group], GROUP_NAMES[new.group], f"{new.membership_probability:.0%}")
        for old, new in changed
    ]
    return pd.DataFrame(rows, columns=[t(f"groups-column-{name}") for name in ("what", "before", "after", "certainty")])


def sorted_by_ratio(groups: Sequence[ModuleGroup]) -> pd.DataFrame:
    """List all modules by falling ratio, with the reasons of moves by hand."""
    ranked = sorted(groups, key=lambda row: -row.ratio)
    rows = [
        (
            row.module,
            module_title(row.module),
            stated_group(row),
            round(row.ratio, 2),
            round(row.noise, 2),
            f"{row.membership_probability:.0%}",
            row.reason,
        )
        for row in ranked
    ]
    names = ("module", "what", "group", "ratio", "noise", "certainty", "reason")
    return pd.DataFrame(rows, columns=[t(f"groups-column-{name}") for name in names])
