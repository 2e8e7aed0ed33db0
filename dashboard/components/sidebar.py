"""What stands beside every page: which run is shown, and where the data lies."""

import streamlit as st

from dashboard import engine, state
from dashboard.components.text import empty
from dashboard.engine import RunFolder
from dashboard.words import STATES


def sidebar() -> None:
    """The run picker and the workspace's name."""
    found = engine.runs()
    with st.sidebar:
        state.pick(
            "Run shown",
            "run",
            list(found),
            engine.default_run(found),
            shown=lambda name: f"{name} ({STATES[found[name].status.state][0]})" if name in found else name,
            help="All pages speak of this run. The address bar holds a link to it.",
        )
        st.caption("Everything stays on this machine.")


def shown_run() -> RunFolder | None:
    """The run that the pages speak of; draws the empty state where there is none."""
    found = engine.runs()
    name = state.current("run", list(found), engine.default_run(found))
    if name is None:
        empty("There is no run in this workspace yet.", "run", "Launch the first run")
        return None
    return found[name]
