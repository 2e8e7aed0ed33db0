"""Changes of recommendation lists as plain sentences; pure functions without Streamlit."""

from collections.abc import Sequence
from statistics import fmean, median
from typing import Literal

from core.types import Overlap, Recommendation
from dashboard.presenters.i18n import t


def step(
    item: str, before: Sequence[Recommendation], after: Sequence[Recommendation]
) -> int | Literal["new", "removed"]:
    """Compare the rank of an item in two lists.

    Returns:
        Ranks gained (negative if lost), "new" if only `after` holds the item, "removed" if it does not.
    """
    old, new = ({row.item: rank for rank, row in enumerate(rows, 1)} for rows in (before, after))
    if item not in new:
        return "removed"
    return old[item] - new[item] if item in old else "new"


def rank_change(item: str, before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """Describe the change of an item between two lists: "up 3", "down 1", "same", "new" or "removed"."""
    change = step(item, before, after)
    if isinstance(change, str):
        return t("move-new" if change == "new" else "move-removed")
    if not change:
        return t("move-same")
    return t("move-up" if change > 0 else "move-down", steps=abs(change))


def lists_sentence(before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """Describe how much of a top list changed."""
    steps = [step(row.item, before, after) for row in before]
    gone = steps.count("removed")
    moved = len(steps) - gone - steps.count(0)
    if not gone and not moved:
        return t("before-after-same", titles=len(before))
    return t("before-after-changed", gone=gone, moved=moved, titles=len(before))


def overlaps_sentence(overlaps: Sequence[Overlap]) -> str:
    """Describe how much of other users' lists stays, after the run and in a retrained reference."""
    after = [overlap.after for overlap in overlaps]
    reference = [overlap.reference for overlap in overlaps if overlap.reference is not None]
    sentence = t("before-overlaps", users=len(after), mean=f"{fmean(after):.0%}", median=f"{median(after):.0%}")
    return sentence + (" " + t("before-overlaps-reference", mean=f"{fmean(reference):.0%}") if reference else "")
