"""V3: does the model know one of these people better, or less, than strangers? (a test by permutation, one person a unit)

D(u) = mean over u's rows of (a reference's loss - the model's loss), mean over references: how much more the model knows of u.
Of strangers neither has ever seen anything, so their D is what chance makes of it; a forgotten person's rank among them is the
p-value, two-sided, times the number of people (Bonferroni).
"""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from core.evaluation.predictions import Scores
from core.types import Check, Verdict
from core.verification.equivalence import counted
from core.verification.evidence import Evidence
from core.verification.thresholds import Thresholds


def checks(evidence: Evidence) -> Iterator[Check]:
    people, bounds = len(np.unique(evidence.model.seen.forget.users)), evidence.thresholds
    # with fewer even the last of all ranks is no small chance
    yardstick = max(bounds.strangers, math.ceil(2 * people / bounds.rare))
    worst, strangers = worst_chance(evidence)
    caught = worst_chance(replace(evidence, model=evidence.original))[0] < bounds.usual
    usual = min((worst_chance(one)[0] for one in evidence.each_reference()), default=1.0)
    found, sentence = _judged(worst, strangers, yardstick, caught, usual, bounds)
    source = f"a chance under {bounds.rare:.0%} counts as standing out, over {bounds.usual:.0%} as not; {yardstick:,} strangers are the yardstick for {people}"
    value = counted(worst, strangers)
    needed = yardstick if strangers < yardstick else None
    yield Check("V3", "a person who stands out", found, value, bounds.usual, None, source, needed, sentence)


def worst_chance(evidence: Evidence) -> tuple[float, int]:
    """The p-value of the person who stands out most, for all of them, and how many strangers it was found by."""
    own, strangers = (_known(evidence, name) for name in ("forget", "holdout"))
    if not len(own) or not len(strangers):
        return float("nan"), len(strangers)
    above = (strangers[None] >= own[:, None]).sum(1)
    below = (strangers[None] <= own[:, None]).sum(1)
    chances = 2 * (1 + np.minimum(above, below)) / (1 + len(strangers))
    return float(min(1.0, len(own) * chances.min())), len(strangers)


def _known(evidence: Evidence, name: str) -> np.ndarray:
    """D of each person of a set."""
    model: Scores = getattr(evidence.model.seen, name)
    theirs = np.mean([getattr(one.seen, name).losses for one in evidence.references], axis=0)
    people, place = np.unique(model.users, return_inverse=True)
    return np.bincount(place, theirs - model.losses, len(people)) / np.bincount(place, minlength=len(people))


def _judged(
    worst: float, strangers: int, yardstick: int, caught: bool, usual: float, bounds: Thresholds
) -> tuple[Verdict, str]:
    if worst < bounds.rare and usual >= bounds.usual:
        return (
            Verdict.FAIL,
            "One of the forgotten people stands out among strangers: the model knows more, or less, of them.",
        )
    if strangers < yardstick:
        why = f"There are {strangers:,} strangers; {yardstick:,} would be needed to tell."
        return Verdict.INCONCLUSIVE, f"Whether one of the forgotten people stands out cannot be told. {why}"
    if worst < bounds.usual:
        why = "somebody does, but by chance or in models that never saw them as well"
        return Verdict.INCONCLUSIVE, f"Whether one of the forgotten people stands out cannot be told: {why}."
    if not caught:
        why = "not even in the original, which knew them, does one"
        return Verdict.INCONCLUSIVE, f"Whether one of the forgotten people stands out cannot be told: {why}."
    return Verdict.PASS, "None of the forgotten people stands out among strangers; in the original one did."
