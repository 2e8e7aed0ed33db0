"""Steering on the what-if page: each chosen module gets a slider of its strength."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import streamlit as st

from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import capital, module_title
from dashboard.presenters.strengths import HIGH, LOW, MOST, START, STEP, parsed, written
from dashboard.session import state

KEY = "steer"  # query parameter


def steering(modules: Sequence[str], off: Collection[str]) -> dict[str, float]:
    """Draw the choice of modules and their sliders.

    Args:
        modules: All modules of the model.
        off: Modules that are off; they cannot be steered.

    Returns:
        The strength of each steered module.
    """
    asked, lost = parsed(state.carried(KEY), modules)
    bounds: dict[str, str | int] = {"low": f"{LOW:g}", "high": f"{HIGH:g}", "most": MOST}
    if lost:
        st.warning(t("what-if-steer-lost", **bounds), icon=":material/search_off:")
    free = [module for module in modules if module not in off]
    strengths = {module: strength for module, strength in asked.items() if module in free}
    chosen = state.choose_many(
        t("what-if-steer"), "steer", list(strengths), free, MOST, module_title, t("what-if-steer-hint"),
        t("what-if-steer-help", **bounds), partial(_choose, strengths),
    )  # fmt: skip
    for module in chosen:
        state.slide(
            t("what-if-strength", module=capital(module_title(module))),
            f"strength_{module}", strengths[module], LOW, HIGH, STEP, partial(_set, strengths, module),
        )  # fmt: skip
    return strengths


def _choose(strengths: Mapping[str, float], modules: Sequence[str]) -> None:
    state.carry(KEY, written({module: strengths.get(module, START) for module in modules}))


def _set(strengths: Mapping[str, float], module: str, strength: float) -> None:
    state.carry(KEY, written({**strengths, module: strength}))
