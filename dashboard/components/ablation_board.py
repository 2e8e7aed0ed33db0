"""What can be switched off on the what-if page: parts of the model on a board, titles of a history in two trays."""

from collections.abc import Callable, Collection, Sequence
from functools import cache
from pathlib import Path

import streamlit as st

from core.types import Group, Interaction, Item, ModuleGroup
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, module_title
from dashboard.presenters.theme import COLOURS

HERE = Path(__file__).parent


def _component(name: str) -> Callable:
    """The component of NAME.js and NAME.css; Streamlit wants it registered in every run of the page."""
    return st.components.v2.component(f"cure_{name}", html=f'<div class="{name}"></div>', css=_css(name), js=_js(name))


@cache
def _js(name: str) -> str:
    return (HERE / f"{name}.js").read_text(encoding="utf-8")


@cache
def _css(name: str) -> str:
    """The style sheet with the groups' colours as variables."""
    colours = "".join(f"--{group.value}: {colour};" for group, colour in COLOURS.items())
    return f":host {{ {colours} }}\n" + (HERE / f"{name}.css").read_text(encoding="utf-8")


def board(groups: Sequence[ModuleGroup], off: Collection[str], key: str) -> frozenset[str]:
    """The parts that are switched off; `off`: those that are so at first, the same in every rerun."""
    mounted = _component("board")
    data = {"rows": board_rows(groups), "groups": board_groups(groups), "off": sorted(off), "texts": _board_texts()}
    found = mounted(key=key, data=data, default={"off": sorted(off)}, on_off_change=lambda: None)
    return frozenset(found.off or ())


def board_rows(groups: Sequence[ModuleGroup]) -> list[dict]:
    """The board from its top: the last layer first, heads then the MLP."""
    layers: dict[int, list[dict]] = {}
    for row in groups:
        head = row.module.partition(".h")[2]
        part = {
            "id": row.module,
            "label": head or t("what-if-mlp"),
            "title": t("what-if-part", part=module_title(row.module), serves=GROUP_WORDS[row.group]),
            "group": row.group.value,
        }
        layers.setdefault(int(row.module[1:].partition(".")[0]), []).append(part)
    return [
        {"label": t("what-if-layer", layer=layer), "parts": layers[layer]} for layer in sorted(layers, reverse=True)
    ]


def board_groups(groups: Sequence[ModuleGroup]) -> list[dict]:
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
    return {"reset": t("what-if-all-on"), "groups": t("what-if-groups"), "parts": t("what-if-parts")}


def chips(history: Sequence[Interaction], items: dict[str, Item], out: Collection[int], key: str) -> frozenset[int]:
    """The places of the history that are left out; `out`: those that are so at first, the same in every rerun."""
    mounted = _component("chips")
    titles = [
        {
            "text": items[event.item].title,
            "kind": "liked" if event.liked else "disliked",
            "liked": t("what-if-liked") if event.liked else t("what-if-disliked"),
        }
        for event in history
    ]
    names = ("kept", "out", "hint", "leave", "back")
    texts = dict(zip(names, (t("what-if-kept"), t("what-if-out"), t("what-if-hint"), t("what-if-leave"), t("what-if-back")), strict=True))  # fmt: skip
    data = {"titles": titles, "out": sorted(out), "texts": texts}
    found = mounted(key=key, data=data, default={"out": sorted(out)}, on_out_change=lambda: None)
    return frozenset(found.out or ())
