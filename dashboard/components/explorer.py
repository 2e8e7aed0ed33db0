"""Circuit explorer: a canvas component that loads nothing from the network and filters without a rerun."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.scripts import script

HERE = Path(__file__).parent
VIEW = ("q", "k", "v", "other")


def explorer(scene: dict[str, Any], selected: str, view: str, key: str) -> tuple[str, str]:
    """Draw the explorer.

    All data arguments must be the same in every rerun: a change sends the whole scene again and resets the drawing.

    Args:
        scene: Data of `presenters.circuit_scene.scene`.
        selected: Id of the module selected at first, "" for none.
        view: View at first, in the format of `parsed`.
        key: Key of the component.

    Returns:
        Id of the selected module ("" for none), and the view.
    """
    component = st.components.v2.component(
        "cure_explorer", html='<div class="explorer"></div>', css=_css(), js=script("explorer")
    )
    result = component(
        key=key,
        data=scene | {"selected": selected, "view": parsed(view, scene["start"])},
        default={"selected": selected, "view": view},
        on_selected_change=lambda: None,
        on_view_change=lambda: None,
    )
    return result.selected or "", result.view or ""


def parsed(view: str, start: int) -> dict[str, Any]:
    """Parse the view in an address.

    Args:
        view: Number of connections, whether only the circuit is drawn, and inputs, such as "60.0.q.k.v.other".
        start: Number of connections if the view names none.
    """
    edges, _, rest = view.partition(".")
    inputs = [name for name in VIEW if name in rest.split(".")]
    return {
        "edges": int(edges) if edges.isdigit() else start,
        "only": rest.startswith("1"),
        "inputs": inputs or list(VIEW),
    }


@cache
def _css() -> str:
    return (HERE / "explorer.css").read_text(encoding="utf-8")
