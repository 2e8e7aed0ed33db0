"""Circuit explorer: a canvas component that loads nothing from the network and filters without a rerun."""

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from dashboard.components.scripts import script
from dashboard.presenters.circuit_html import page
from dashboard.presenters.theme import COLOURS, OPPOSES, SUPPORTS

HERE = Path(__file__).parent
VIEW = ("q", "k", "v", "other")


def explorer(scene: dict[str, Any], selected: str, view: str, key: str) -> tuple[str, str]:
    """Draw the explorer.

    All data arguments must be the same in every rerun: a change sends the whole scene again and resets the drawing.

    Args:
        scene: Data of `presenters.circuit_scene.scene`; with `file`, the name of the files, the drawing can be saved.
        selected: Id of the module, or "source>target" of the connection, selected at first; "" for none.
        view: View at first, in the format of `parsed`.
        key: Key of the component.

    Returns:
        What is selected, as in `selected`, and the view.
    """
    component = st.components.v2.component(
        "cure_explorer",
        html='<div class="explorer"></div>',
        css=_css(),
        js=_script(),
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
        view: Number of connections, modules kept ("0" for all, "1" for the circuit's, "k19" for the strongest 19), and
            inputs, such as "60.0.q.k.v.other".
        start: Number of connections if the view names none.
    """
    edges, kept, *rest = [*view.split("."), ""]
    inputs = [name for name in VIEW if name in rest]
    return {
        "edges": int(edges) if edges.isdigit() else start,
        "keep": "circuit" if kept == "1" else int(kept[1:]) if kept[:1] == "k" and kept[1:].isdigit() else None,
        "inputs": inputs or list(VIEW),
    }


def explorer_page(scene: dict[str, Any]) -> str:
    """Return the explorer as a stand-alone HTML page that needs no network.

    Args:
        scene: As in `explorer`.
    """
    data = scene | {"selected": "", "view": parsed("", scene["start"])}
    return page(data, _script(), _css())


def _script() -> str:
    return script("explorer", "routes", "picture_files", "explorer_svg", "explorer_drawing")


@cache
def _css() -> str:
    """Read the style sheet and add the colours of the legend as variables."""
    colours = {group.value: colour for group, colour in COLOURS.items()}
    for name, (light, dark) in (("supports", SUPPORTS), ("opposes", OPPOSES)):
        colours |= {name: light, f"{name}-dark": dark}
    variables = "".join(f"--{name}: {colour};" for name, colour in colours.items())
    return f":host {{ {variables} }}\n" + (HERE / "explorer.css").read_text(encoding="utf-8")
