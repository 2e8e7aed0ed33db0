"""Strengths of steered modules: their text in an address, and a what-if result in sentences."""

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

from core.types import Recommendation
from dashboard.presenters.i18n import t
from dashboard.presenters.list_phrases import lists_sentence
from dashboard.presenters.phrases import joined, module_title

LOW, HIGH, STEP = -2.0, 4.0, 0.1  # 0 is off, 1 as it is, 2 twice
START = 2.0  # of a module that is chosen
MOST = 6  # steered modules
NAMED = 2  # steered modules that the sentence names


def parsed(text: str, modules: Collection[str]) -> tuple[dict[str, float], bool]:
    """Read strengths from an address.

    Args:
        text: Strengths by module, such as "a2.h6:2,m1:-0.5".
        modules: The modules of the model.

    Returns:
        The strengths, and whether something could not be read and is left out.
    """
    found: dict[str, float] = {}
    parts = list(filter(None, text.split(",")))
    for part in parts:
        module, _, value = part.partition(":")
        strength = _number(value)
        if module in modules and strength is not None and len(found) < MOST:
            found[module] = strength
    return found, len(found) < len(parts)


def _number(text: str) -> float | None:
    try:
        value = round(float(text), 1)
    except ValueError:
        return None
    return value if math.isfinite(value) and LOW <= value <= HIGH else None


def written(strengths: Mapping[str, float]) -> str:
    """Write strengths for an address, as `parsed` reads them."""
    return ",".join(f"{module}:{strength:g}" for module, strength in strengths.items())


def change_sentence(
    before: Sequence[Recommendation],
    after: Sequence[Recommendation],
    off: int,
    steered: Mapping[str, float],
    titles: int,
) -> str:
    """Describe an intervention and its effect on a list.

    Args:
        before: The unchanged list.
        after: The changed list.
        off: Number of modules that are off.
        steered: Strength of each steered module.
        titles: Number of titles left out.
    """
    parts = [t("what-if-off", modules=off)] if off else []
    if len(steered) > NAMED:
        parts.append(t("what-if-steered-many", modules=len(steered)))
    else:
        parts += [t("what-if-steered", module=module_title(name), strength=f"{s:g}") for name, s in steered.items()]
    parts = parts or [t("what-if-all")]
    if titles:
        parts.append(t("what-if-left-out", titles=titles))
    change = lists_sentence(before, after)
    return t("what-if-changed-lead", what=joined(parts), change=change[:1].lower() + change[1:])


def effect_sentence(before: Sequence[Recommendation], after: Sequence[Recommendation]) -> str:
    """Describe how far the scores of the titles in both lists moved; "" if no title is in both."""
    scores = {row.item: row.score for row in before}
    moved = [row.score - scores[row.item] for row in after if row.item in scores]
    return t("what-if-effect", titles=len(moved), change=f"{fmean(moved):+.2f}") if moved else ""
