"""Labels: which ratings count as liked."""

LIKED = 4.0  # of 5 stars


def is_liked(rating: float) -> bool:
    """Whether a rating counts as liked: 4 or more out of 5."""
    return rating >= LIKED
