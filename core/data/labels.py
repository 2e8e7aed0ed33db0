"""Labels: which ratings count as liked. The threshold follows from the scale that the data shows, or is given."""

from collections.abc import Collection

from core.errors import DataError

LIKED = 4.0  # of 5 stars
THUMBS = {-1.0, 1.0}  # disliked, liked
SCALES = ((1.0, 1.0, "0 and 1"), (5.0, LIKED, "up to 5"), (10.0, 8.0, "up to 10"))  # largest rating, threshold, name


def threshold(ratings: Collection[float], given: float | None = None) -> tuple[float, str]:
    """From which rating on a title counts as liked.

    Args:
        ratings: All ratings.
        given: The threshold, where the user names it.

    Returns:
        The threshold, and the scale in words.

    Raises:
        DataError: The scale is not known, or shows no difference.
    """
    low, high = min(ratings), max(ratings)
    if given is not None:
        return given, f"{low:g} to {high:g}"
    if low == high:
        raise DataError(
            f"All ratings are {low:g}, so nothing tells liked from not liked: if they only say that somebody used an "
            "item, write --columns rating= with --task next_item or --negatives 1."
        )
    if set(ratings) == THUMBS:
        return 1.0, "-1 and 1"
    for largest, least, name in SCALES if low >= 0 else ():
        if high <= largest and (largest > 1 or set(ratings) <= {0.0, 1.0}):
            return least, name
    raise DataError(
        f"Ratings from {low:g} to {high:g} have no known scale (they may be counts): choose with --liked from which "
        "one on a title counts as liked."
    )
