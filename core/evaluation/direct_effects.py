"""Titles that each module raises and lowers most, by its direct effect on their scores, over several users."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.evaluation.evaluate import top_k
from core.evaluation.what_if import WhatIf
from core.types import DirectEffect, Interaction, Item, Recommendation

SHOWN = 5  # titles raised, and titles lowered, that are kept for each module


def direct_effects(what_if: WhatIf, histories: Sequence[Sequence[Interaction]]) -> tuple[DirectEffect, ...]:
    """Titles that each module raises most and lowers most, by its mean direct effect over users.

    Args:
        what_if: Model and data.
        histories: One history per user.

    Returns:
        Direct effects of each module in logits. A title counts if it is a candidate for at least half of the users; its
        mean is over these.
    """
    columns = {item: column for column, item in enumerate(what_if.items)}
    total, count = np.zeros((len(what_if.parts.modules), len(columns))), np.zeros(len(columns))
    for history in histories:
        scenario = what_if.for_user(history)
        chosen = [columns[item] for item in scenario.candidates]
        total[:, chosen] += scenario.effects()
        count[chosen] += 1
    common = [item for item, column in columns.items() if count[column] * 2 >= max(1, len(histories))]
    means = (total / count.clip(1))[:, [columns[item] for item in common]]
    return tuple(
        DirectEffect(name, _largest(row, common, what_if.items, 1), _largest(row, common, what_if.items, -1))
        for name, row in zip(what_if.parts.modules, means, strict=True)
    )


def _largest(
    effects: np.ndarray, items: Sequence[str], catalogue: Mapping[str, Item], sign: int
) -> tuple[Recommendation, ...]:
    """The `SHOWN` titles of largest effect of one sign."""
    titles = top_k(sign * effects, items, catalogue, SHOWN)
    return tuple(replace(title, score=sign * title.score) for title in titles if title.score > 0)
