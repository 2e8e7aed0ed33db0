"""What stands beside every page: which run is shown, and where the data lies."""

import streamlit as st

from dashboard.components.text import empty
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import STATES
from dashboard.services import queries
from dashboard.services.queries import RunFolder
from dashboard.session import state


def sidebar() -> None:
    """The run picker and the workspace's name."""
    found = queries.runs()
    with st.sidebar:
        if found:  # an empty box is greyed out, and too pale to read
            state.pick(
                t("sidebar-run"),
                "run",
                list(found),
                queries.default_run(found),
                shown=lambda name: t("sidebar-run-state", run=name, state=STATES[found[name].status.state]),
                help=t("sidebar-run-help"),
            )
        st.caption(t("sidebar-offline"))


def shown_run() -> RunFolder | None:
    """The run that the pages speak of; draws the empty state where there is none."""
    found = queries.runs()
    name = state.current("run", list(found), queries.default_run(found))
    if name is None:
        empty(t("no-run"), "run", t("no-run-launch"))
        return None
    return found[name]
