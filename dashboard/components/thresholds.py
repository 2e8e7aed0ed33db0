"""Threshold editor: the chart of forget and retain shares with the groups' borders to drag."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.types import Circuit, Group, GroupEdit, ModuleGroup
from dashboard.components.scripts import script
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, module_title
from dashboard.presenters.theme import COLOURS

HERE = Path(__file__).parent
TICKS = (0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.5, 1)


def thresholds(
    groups: Sequence[ModuleGroup], circuits: tuple[Circuit, Circuit], edit: GroupEdit, key: str
) -> tuple[float, float]:
    """Draw the editor.

    Args:
        groups: Shares, ratio and certainty of each module.
        circuits: Forget circuit and retain circuit.
        edit: Borders at first, and the modules moved by hand.
        key: Key of the component.

    Returns:
        The low and the high border, as ratios.
    """
    component = st.components.v2.component(
        "cure_thresholds", html='<div class="thresholds"></div>', css=_css(), js=script("thresholds", "picture_files")
    )
    first = [edit.low, edit.high]
    result = component(
        key=key,
        data=drawing(groups, circuits, edit),
        default={"thresholds": first},
        on_thresholds_change=lambda: None,
    )
    low, high = result.thresholds or first
    return float(low), float(high)


def drawing(groups: Sequence[ModuleGroup], circuits: tuple[Circuit, Circuit], edit: GroupEdit) -> dict[str, Any]:
    """Return the data that the script draws and sorts."""
    by_hand = {move.module: move.group.value for move in edit.moves}
    forget, retain = (set(circuit.members) for circuit in circuits)
    modules = [
        {
            "id": row.module,
            "title": module_title(row.module),
            "forget": row.forget,
            "retain": row.retain,
            "ratio": row.ratio,
            "noise": row.noise,
            "certainty": round(row.membership_probability, 3),
            "in_forget": row.module in forget,
            "in_retain": row.module in retain,
            "by_hand": by_hand.get(row.module, ""),
        }
        for row in groups
    ]
    names = {
        name: t(f"groups-{name.replace('_', '-')}")
        for name in ("alt", "forget_axis", "retain_axis", "low", "high", "ratio", "svg", "png")
    }
    kinds = {group.value: t("groups-kind", group=GROUP_NAMES[group], serves=GROUP_WORDS[group]) for group in Group}
    colours = {group.value: colour for group, colour in COLOURS.items()}
    return {
        "name": f"{edit.source}-groups",
        "modules": modules,
        "low": edit.low,
        "high": edit.high,
        "ticks": TICKS,
        "colours": colours,
        "texts": names | kinds,
        "names": {group.value: GROUP_NAMES[group] for group in Group},
    }


@cache
def _css() -> str:
    return (HERE / "thresholds.css").read_text(encoding="utf-8")
