"""The live circuit: a canvas of our own on Streamlit's components, so that nothing is loaded and every filter is instant."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

HERE = Path(__file__).parent
VIEW = ("q", "k", "v", "other")


def explorer(scene: dict[str, Any], selected: str, view: str, key: str) -> tuple[str, str]:
    """The id of the selected part, "" for none, and the view as text. `selected` and `view`: those at first; with
    `scene` they must be the same in every rerun, since whatever changes is sent anew and drawn from its start.
    """
    mounted = st.components.v2.component(
        "cure_explorer", html='<div class="explorer"></div>', css=_text("css"), js=_text("js")
    )
    found = mounted(
        key=key,
        data=scene | {"selected": selected, "view": parsed(view, scene["start"])},
        default={"selected": selected, "view": view},
        on_selected_change=lambda: None,
        on_view_change=lambda: None,
    )
    return found.selected or "", found.view or ""


def parsed(view: str, start: int) -> dict[str, Any]:
    """A view as it stands in an address, "60.0.q.k.v.other": connections, only the circuit, what they feed."""
    edges, _, rest = view.partition(".")
    inputs = [name for name in VIEW if name in rest.split(".")]
    return {
        "edges": int(edges) if edges.isdigit() else start,
        "only": rest.startswith("1"),
        "inputs": inputs or list(VIEW),
    }


@cache
def _text(kind: str) -> str:
    return (HERE / f"explorer.{kind}").read_text(encoding="utf-8")
