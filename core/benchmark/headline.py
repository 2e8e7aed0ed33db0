"""First paragraph of the benchmark report: do controls match CURE, and which baselines is each CURE method ahead of?

Only numbers and names are prepared here. The sentences are in `templates/unlearning.md.j2`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from core.benchmark.results import Result
from core.benchmark.statistics import CRITERIA, CURE_METHODS, Standing, standing, worlds


@dataclass(frozen=True, slots=True)
class Comparison:
    """One CURE method in one world by one criterion.

    Attributes:
        world: Data set, task and kind of request, joined by commas.
        criterion: A key of `CRITERIA`.
        standing: The methods that it is ahead of, behind, or not distinguishable from.
    """

    world: str
    criterion: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Headline:
    """Numbers and names of the first paragraph.

    Attributes:
        compared: Number of comparisons, one for each world, criterion and CURE method.
        with_controls: Number of those comparisons in which at least one control took part.
        matched: Number of those in which at least one control does as well as its method.
        matching: Controls that do as well as their method at least once.
        inert: Controls that remove a part which was never active, so that they equal their method.
        decided: Comparisons with a significant difference from at least one baseline.
        undecided: For each world, the comparisons without any significant difference from a baseline.
    """

    compared: int
    with_controls: int
    matched: int
    matching: list[str]
    inert: list[str]
    decided: list[Comparison]
    undecided: dict[str, list[Comparison]] = field(default_factory=dict)


def headline(rows: Sequence[Result]) -> Headline:
    """Summarise all worlds, without those of sequential requests."""
    found = [
        Comparison(", ".join(world), criterion, result)
        for world, own in worlds(rows)
        for criterion, value in CRITERIA.items()
        for ours in CURE_METHODS
        if world[2] != "row" and (result := standing(own, ours, value))
    ]
    results = [one.standing for one in found]
    undecided: dict[str, list[Comparison]] = {}
    for one in found:
        if not _is_decided(one):
            undecided.setdefault(one.world, []).append(one)
    return Headline(
        compared=len(found),
        with_controls=sum(bool(result.controls) for result in results),
        matched=sum(bool(result.as_good) for result in results),
        matching=sorted({name for result in results for name in result.as_good}),
        inert=sorted({name for result in results for name in result.inert}),
        decided=[one for one in found if _is_decided(one)],
        undecided=undecided,
    )


def _is_decided(one: Comparison) -> bool:
    return bool(one.standing.ahead or one.standing.behind)
