"""Results as tables to show and to export. Pure; titles and names stay text, exported cells never become formulas."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from core.report.summary import visible
from core.types import (
    Circuit,
    Evaluation,
    Interaction,
    Interval,
    Item,
    Memory,
    Metrics,
    ModuleGroup,
    Overlap,
    Recommendation,
)
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, date, module_title, move

FORMULA = tuple("=+-@＝＋－＠\t\r\n")  # the wide ones too, which some spreadsheets read alike
MEASURES = Texts(
    {
        "test_auc": ("measure-test-auc", "measure-test-auc-read"),
        "test_log_loss": ("measure-log-loss", "measure-log-loss-read"),
        "hit_rate": ("measure-hit-rate", "measure-hit-rate-read"),
        "ndcg": ("measure-ndcg", "measure-ndcg-read"),
        "forget_auc": ("measure-forget-auc", "measure-forget-auc-read"),
        "holdout_auc": ("measure-holdout-auc", "measure-holdout-auc-read"),
        "membership_auc": ("measure-membership-auc", "measure-membership-auc-read"),
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
    """A text cell that a spreadsheet would run as a formula gets a leading single quote, whatever unseen stands before it;
    numbers stay numbers.
    """
    if not isinstance(cell, str):
        return cell
    seen = visible(cell)
    return f"'{seen}" if cell.startswith(FORMULA) or seen.lstrip().startswith(FORMULA) else seen


def csv(frame: pd.DataFrame) -> bytes:
    """A table as CSV, safe to open in a spreadsheet."""
    safe = frame.map(guard)
    safe.columns = [guard(name) for name in frame.columns]
    return safe.to_csv(index=False).encode("utf-8-sig")


def memory(found: Sequence[Memory]) -> pd.DataFrame:
    """Every module by what its adapter spares whom, in nats an answer, the most remembering first."""
    rows = [
        (module_title(one.module), GROUP_NAMES[one.group], one.forget, one.holdout, one.contrast, one.contrast_noise)
        for one in sorted(found, key=lambda one: -one.contrast)
    ]
    names = (
        "circuit-table-part",
        "circuit-table-group",
        "memory-forget",
        "memory-holdout",
        "memory-difference",
        "memory-noise",
    )
    return pd.DataFrame(rows, columns=[t(name) for name in names])


def history(events: Iterable[Interaction], items: dict[str, Item]) -> pd.DataFrame:
    """One user's interactions as text, newest first."""
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
    """All parts with their group and the numbers behind it, the most personal first."""
    rows = [
        (
            row.module,
            module_title(row.module),
            GROUP_NAMES[row.group],
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
        t("circuit-table-part"),
        t("circuit-table-what"),
        t("circuit-table-group"),
        t("circuit-table-sure"),
        t("circuit-table-serves"),
        t("circuit-table-forget"),
        t("circuit-table-retain"),
        t("circuit-table-ratio"),
        t("circuit-table-noise"),
        t("circuit-table-conflict"),
        t("circuit-table-in-forget"),
        t("circuit-table-sure-forget"),
        t("circuit-table-in-retain"),
        t("circuit-table-sure-retain"),
    ]


def _membership(circuit: Circuit, module: str) -> tuple[bool, float]:
    """Whether it is in the circuit, and how often it is in one found on prompts drawn again."""
    member = module in circuit.members
    inside = dict(zip(circuit.modules, circuit.membership_probability, strict=False)).get(module, math.nan)
    return member, inside if member else 1 - inside


def top_list(rows: Sequence[Recommendation], other: Sequence[Recommendation], first: bool = False) -> pd.DataFrame:
    """A top list with what happened to each title; `first`: `rows` is the list before, `other` the one after."""
    before, after = (rows, other) if first else (other, rows)
    return pd.DataFrame(
        [(rank, row.title, move(row.item, before, after)) for rank, row in enumerate(rows, 1)],
        columns=[t("before-after-list-rank"), t("before-after-list-title"), t("before-after-list-change")],
    )


def metrics(evaluation: Evaluation) -> pd.DataFrame:
    """Each measure of the original, the unlearned and the reference models, with a plain word for the difference."""
    rows = []
    for name, (title, meaning) in MEASURES.items():
        before, after = getattr(evaluation.original, name), getattr(evaluation.unlearned, name)
        others = [getattr(one, name) for one in evaluation.references]
        rows.append((title, number(before), number(after), spread(others), against(after, others), meaning))
    mean = number(evaluation.item_mean_auc)
    rows.append((t("measure-item-mean"), mean, "", "", "", t("measure-item-mean-read")))
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
    """ "0.721 (0.701 to 0.741)"."""
    if not math.isfinite(value.value):
        return t("not-measured")
    if not math.isfinite(value.low):
        return f"{value.value:.3f}"
    return t("interval", value=f"{value.value:.3f}", low=f"{value.low:.3f}", high=f"{value.high:.3f}")


def spread(values: Sequence[Interval]) -> str:
    """The range of the references."""
    found = [value.value for value in values if math.isfinite(value.value)]
    if not found:
        return t("before-after-no-references")
    return t("range", low=f"{min(found):.3f}", high=f"{max(found):.3f}")


def against(after: Interval, others: Sequence[Interval]) -> str:
    """Where the unlearned model stands among the references; its own interval counts as agreement."""
    found = [value.value for value in others if math.isfinite(value.value)]
    if not found or not math.isfinite(after.value):
        return ""
    if min(found) <= after.value <= max(found):
        return t("before-after-like")
    low, high = (after.low, after.high) if math.isfinite(after.low) else (after.value, after.value)
    near = high >= min(found) and low <= max(found)
    if after.value > max(found):
        return t("before-after-little-above" if near else "before-after-above")
    return t("before-after-little-below" if near else "before-after-below")


def intervals(evaluation: Evaluation, names: Sequence[str]) -> pd.DataFrame:
    """Long table for the interval chart: measure, model, value, low, high."""
    models: list[tuple[str, Metrics]] = [
        (MODELS["before"], evaluation.original),
        (MODELS["after"], evaluation.unlearned),
        *((MODELS["reference"], one) for one in evaluation.references),
    ]
    rows = [
        (MEASURES[name][0], model, value.value, value.low, value.high)
        for name in names
        for model, found in models
        for value in [getattr(found, name)]
    ]
    if "test_auc" in names:
        mean = evaluation.item_mean_auc
        rows.append((MEASURES["test_auc"][0], MODELS["item_mean"], mean.value, mean.low, mean.high))
    return pd.DataFrame(rows, columns=["measure", "model", "value", "low", "high"])


def neighbours(overlaps: Sequence[Overlap], count: int) -> pd.DataFrame:
    """The `count` kept people most like those of the request, and how much of their lists stays."""
    some = sorted(overlaps, key=lambda one: -one.near)[:count]
    names = [t(f"before-column-{name}") for name in ("person", "alike", "stays", "anew")]
    return pd.DataFrame([(one.user, round(one.near, 2), one.after, one.reference) for one in some], columns=names)


def connections(circuit: Circuit, module: str, count: int) -> pd.DataFrame:
    """The strongest connections into and out of one part; scores in logits, negative where cutting lowers the answer."""
    rows = []
    for name, near, far in (("in", "target", "source"), ("out", "source", "target")):
        own = [edge for edge in circuit.edges if getattr(edge, near) == module][:count]
        rows += [
            (t(f"circuit-edge-{name}"), module_title(getattr(edge, far)), edge.input, round(edge.score, 3))
            for edge in own
        ]
    return pd.DataFrame(rows, columns=[t(f"circuit-edge-{name}") for name in ("way", "part", "input", "score")])


def regrouped(changed: Sequence[tuple[ModuleGroup, ModuleGroup]]) -> pd.DataFrame:
    """Parts whose group an edit changes."""
    rows = [
        (module_title(old.module), GROUP_NAMES[old.group], GROUP_NAMES[new.group], f"{new.membership_probability:.0%}")
        for old, new in changed
    ]
    return pd.DataFrame(rows, columns=[t(f"groups-column-{name}") for name in ("what", "before", "after", "sure")])


def sorted_by_ratio(groups: Sequence[ModuleGroup]) -> pd.DataFrame:
    """All parts, the most personal first, with the reasons of those that a person moved."""
    ranked = sorted(groups, key=lambda row: -row.ratio)
    rows = [
        (
            r.module,
            module_title(r.module),
            GROUP_NAMES[r.group],
            round(r.ratio, 2),
            round(r.noise, 2),
            f"{r.membership_probability:.0%}",
            r.reason,
        )
        for r in ranked
    ]
    names = ("part", "what", "group", "ratio", "noise", "sure", "reason")
    return pd.DataFrame(rows, columns=[t(f"groups-column-{name}") for name in names])
