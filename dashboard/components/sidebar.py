"""What stands beside every page: which run is shown, and where the data lies."""

import streamlit as st

from dashboard import engine, state
from dashboard.components.text import empty
from dashboard.engine import RunFolder
from dashboard.texts import t
from dashboard.words import STATES


def sidebar() -> None:
    """The run picker and the workspace's name."""
    found = engine.runs()
    with st.sidebar:
        if found:  # an empty box is greyed out, and too pale to read
            state.pick(
                t("sidebar-run"),
                "run",
                list(found),
                engine.default_run(found),
                shown=lambda name: t("sidebar-run-state", run=name, state=STATES[found[name].status.state]),
                help=t("sidebar-run-help"),
            )
        st.caption(t("sidebar-offline"))


def shown_run() -> RunFolder | None:
    """The run that the pages speak of; draws the empty state where there is none."""
    found = engine.runs()
    name = state.current("run", list(found), engine.default_run(found))
    if name is None:
        empty(t("no-run"), "run", t("no-run-launch"))
        return None
    return found[name]
