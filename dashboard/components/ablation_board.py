"""Ablation controls of the what-if page: a board that switches modules off, and trays that leave titles out."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from core.types import Group, Interaction, Item, ModuleGroup
from dashboard.components.scripts import script
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, module_title
from dashboard.presenters.theme import COLOURS

HERE = Path(__file__).parent


def _component(name: str) -> Callable[..., Any]:
    """Register the component of NAME.js and NAME.css; Streamlit needs this in every run of the page."""
    html = f'<div class="{name}"></div>'
    return st.components.v2.component(f"cure_{name}", html=html, css=_css(name), js=script(name))


@cache
def _css(name: str) -> str:
    """Read the style sheet and add the groups' colours as variables."""
    colours = "".join(f"--{group.value}: {colour};" for group, colour in COLOURS.items())
    return f":host {{ {colours} }}\n" + (HERE / f"{name}.css").read_text(encoding="utf-8")


def ablation_board(groups: Sequence[ModuleGroup], off: Collection[str], key: str) -> frozenset[str]:
    """Draw the board of modules.

    Args:
        groups: All modules with their group.
        off: Modules that are off at first; the same in every rerun.
        key: Key of the component.

    Returns:
        The modules that are off.
    """
    component = _component("ablation_board")
    data = {"rows": board_rows(groups), "groups": board_groups(groups), "off": sorted(off), "texts": _board_texts()}
    result = component(key=key, data=data, default={"off": sorted(off)}, on_off_change=lambda: None)
    return frozenset(result.off or ())


def board_rows(groups: Sequence[ModuleGroup]) -> list[dict[str, Any]]:
    """Return the rows of the board from the top: the last layer first, its heads, then its MLP."""
    layers: dict[int, list[dict[str, str]]] = {}
    for row in groups:
        head = row.module.partition(".h")[2]
        module = {
            "id": row.module,
            "label": t("module-head-short", head=head) if head else t("module-mlp-short"),
            "title": t("what-if-module", module=module_title(row.module), serves=GROUP_WORDS[row.group]),
            "group": row.group.value,
        }
        layers.setdefault(int(row.module[1:].partition(".")[0]), []).append(module)
    return [
        {"label": t("what-if-layer", layer=layer), "modules": layers[layer]} for layer in sorted(layers, reverse=True)
    ]


def board_groups(groups: Sequence[ModuleGroup]) -> list[dict[str, Any]]:
    """Return the buttons that switch whole groups, with the number of modules in each."""
    return [
        {
            "id": group.value,
            "label": GROUP_NAMES[group],
            "title": t("what-if-group", serves=GROUP_WORDS[group]),
            "count": sum(row.group is group for row in groups),
        }
        for group in Group
    ]


def _board_texts() -> dict[str, str]:
    return {"reset": t("what-if-all-on"), "groups": t("what-if-groups"), "modules": t("what-if-modules")}


def history_trays(
    history: Sequence[Interaction], items: dict[str, Item], out: Collection[int], key: str
) -> frozenset[int]:
    """Draw two trays of titles: in the prompt, and left out.

    Args:
        history: Interactions in the prompt, oldest first.
        items: Titles by item id.
        out: Positions of the history that are left out at first; the same in every rerun.
        key: Key of the component.

    Returns:
        The positions that are left out.
    """
    component = _component("history_trays")
    titles = [
        {
            "text": items[event.item].title,
            "kind": "liked" if event.liked else "disliked",
            "liked": t("what-if-liked") if event.liked else t("what-if-disliked"),
        }
        for event in history
    ]
    names = ("kept", "out", "hint", "leave", "back")
    texts = {name: t(f"what-if-{name}") for name in names}
    data = {"titles": titles, "out": sorted(out), "texts": texts}
    result = component(key=key, data=data, default={"out": sorted(out)}, on_out_change=lambda: None)
    return frozenset(result.out or ())
