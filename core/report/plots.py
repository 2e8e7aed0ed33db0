"""Coordinates of the report's three plots, in SVG units. Pure functions; the template draws the plots."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.types import Evaluation, Group, ModuleGroup, Recommendation, TopLists

LINE = 22
LABEL = 32
PLOT = 360
TRACK = (120, 435)


@dataclass(frozen=True, slots=True)
class Label:
    """One title of a list.

    Attributes:
        y: Height of the text.
        rank: Rank in the list; 1 is the top.
        text: The title, shortened.
        full: The title.
        kind: "kept", "gone" (only before) or "new" (only after).
        referenced: Whether the title is in the list of the first reference.
    """

    y: int
    rank: int
    text: str
    full: str
    kind: str
    referenced: bool


@dataclass(frozen=True, slots=True)
class Slope:
    """Two lists side by side.

    Attributes:
        user: Id of the user.
        before: Labels of the original list.
        after: Labels of the unlearned list.
        lines: (y before, y after, direction of the move) of each title that stayed.
        height: Height of the plot.
    """

    user: str
    before: tuple[Label, ...]
    after: tuple[Label, ...]
    lines: tuple[tuple[int, int, str], ...]
    height: int


def rank_changes(lists: TopLists) -> Slope:
    """Lay out one user's lists before and after unlearning; titles of the reference's list are marked."""
    before, after = lists.original, lists.unlearned
    reference = {row.item for row in lists.reference}
    rank_after = {row.item: rank for rank, row in enumerate(after)}
    lines = tuple(
        (_y(rank), _y(rank_after[row.item]), _way(rank, rank_after[row.item]))
        for rank, row in enumerate(before)
        if row.item in rank_after
    )
    return Slope(
        lists.user,
        _labels(before, {row.item for row in after}, "gone", reference),
        _labels(after, {row.item for row in before}, "new", reference),
        lines,
        _y(max(len(before), len(after))),
    )


def _way(old: int, new: int) -> str:
    return "same" if new == old else "up" if new < old else "down"


def _labels(rows: Sequence[Recommendation], others: set[str], alone: str, reference: set[str]) -> tuple[Label, ...]:
    labels = []
    for rank, row in enumerate(rows):
        kind = "kept" if row.item in others else alone
        labels.append(Label(_y(rank), rank + 1, shorten(row.title), row.title, kind, row.item in reference))
    return tuple(labels)


def _y(rank: int) -> int:
    return 44 + LINE * rank


def shorten(text: str, length: int = LABEL) -> str:
    """Return `text` cut to `length` characters."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


@dataclass(frozen=True, slots=True)
class Point:
    """One module of the scatter plot.

    Attributes:
        x: Horizontal position.
        y: Vertical position.
        module: Name of the module.
        group: Group of the module.
        named: Whether its name is written beside the mark.
    """

    x: float
    y: float
    module: str
    group: Group
    named: bool


@dataclass(frozen=True, slots=True)
class Scatter:
    """Modules by contribution to the retain set (to the right) and the forget set (up), on one square-root scale.

    Attributes:
        points: The modules.
        ticks: (position, share) on either axis.
    """

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, float], ...]


def scatter(groups: Sequence[ModuleGroup]) -> Scatter:
    """Lay out the scatter plot; square roots spread the many small contributions and keep the diagonal."""
    top = max(max(group.forget, group.retain) for group in groups) or 1.0
    named = set(sorted(range(len(groups)), key=lambda i: -max(groups[i].forget, groups[i].retain))[:6])

    def along(share: float) -> float:
        return round(PLOT * math.sqrt(max(0.0, share) / top), 1)

    points = tuple(
        Point(along(g.retain), PLOT - along(g.forget), g.module, g.group, i in named) for i, g in enumerate(groups)
    )
    steps = (0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
    return Scatter(points, tuple((along(step), step) for step in steps if step <= top and along(step) >= 36))


@dataclass(frozen=True, slots=True)
class Range:
    """One metric on the shared axis; None where a value could not be measured.

    Attributes:
        name: Title of the metric.
        y: Height of the row.
        references: Positions of the lowest and the highest reference.
        original: Position of the original model.
        unlearned: Position of the unlearned model.
        whisker: Ends of the unlearned model's interval.
    """

    name: str
    y: int
    references: tuple[float, float] | None
    original: float | None
    unlearned: float | None
    whisker: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Ranges:
    """All metrics on one axis.

    Attributes:
        rows: One row for each metric.
        ticks: (x, value) of the axis.
        height: Height of the plot.
    """

    rows: tuple[Range, ...]
    ticks: tuple[tuple[float, float], ...]
    height: int


def ranges(evaluation: Evaluation, names: Mapping[str, str]) -> Ranges:
    """Lay out metrics on one axis that is divided into tenths and fits them all.

    Args:
        evaluation: Results of the run.
        names: Field of Metrics -> title, for metrics in [0, 1].
    """
    before, after = evaluation.original, evaluation.unlearned
    found = [getattr(model, name).value for model in (before, after, *evaluation.references) for name in names]
    found += [end for name in names for end in (getattr(after, name).low, getattr(after, name).high)]
    finite = [value for value in found if math.isfinite(value)] or [0.0, 1.0]
    low = math.floor(10 * min(finite))
    high = max(math.ceil(10 * max(finite)), low + 1)

    def across(value: float) -> float | None:
        position = TRACK[0] + (TRACK[1] - TRACK[0]) * (10 * value - low) / (high - low)
        return round(position, 1) if math.isfinite(value) else None

    def ends(values: Iterable[float]) -> tuple[float, float] | None:
        positions = [position for value in values if (position := across(value)) is not None]
        return (min(positions), max(positions)) if positions else None

    def row(index: int, name: str) -> Range:
        was, now = getattr(before, name), getattr(after, name)
        references = ends(getattr(model, name).value for model in evaluation.references)
        return Range(
            names[name], _row_y(index), references, across(was.value), across(now.value), ends((now.low, now.high))
        )

    rows = tuple(row(index, name) for index, name in enumerate(names))
    ticks = tuple((across(tick / 10) or 0.0, tick / 10) for tick in range(low, high + 1))
    return Ranges(rows, ticks, _row_y(len(rows)))


def _row_y(index: int) -> int:
    return 26 + 32 * index
