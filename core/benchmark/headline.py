"""Rows -> what the report says first: whether controls do as well as CURE, and where our methods stand in each world."""

from collections.abc import Sequence

from core.benchmark.results import Row
from core.benchmark.statistics import CRITERIA, OURS, Standing, standing, worlds


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
    said = "; ".join(f"{world}: {listed(own)}" for world, own in names.items())
    return [f"Told apart from no rival: {said}.", ""] if said else []


def _controls(found: Sequence[Standing]) -> str:
    """Whether the parts that CURE chooses matter: the sentence that comes first."""
    tested = [one for one in found if one.controls]
    equal = [one for one in tested if one.as_good]
    if not tested:
        return "No control took part, so whether the parts that CURE chooses matter is not shown."
    if not equal:
        return "No control does as well as the method of ours that it is made of, in any of these comparisons."
    names = listed(sorted({name for one in equal for name in one.as_good}))
    inert = listed(sorted({name for one in found for name in one.inert}))
    aside = f" Told apart in no row, as what they take away was never at work, and so no controls there: {inert}."
    return (
        f"**Controls do as well as CURE**: in {len(equal)} of {len(tested)} comparisons (world, measure, method of ours) at "
        f"least one control cannot be told from the method that it is made of, or is ahead of it; at least once each of {names}."
        + (aside if inert != "none" else "")
    )


STANDING = [
    "Where our methods stand at equal utility, by the 95 % interval of the difference paired by seed:",
    "",
    "| world | measure | ours | ahead of | behind | not told apart | controls that do as well |",
    "| --- " * 7 + "|",
]


def _standing_line(world: str, measure: str, one: Standing) -> str:
    cells = (listed(names) for names in (one.ahead, one.behind, one.even, one.as_good))
    return f"| {world} | {measure} | {one.method} | " + " | ".join(cells) + " |"


def listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"
