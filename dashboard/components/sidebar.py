"""Sidebar of every page: the run shown, and where the data is stored."""

import streamlit as st

from dashboard.components.text import empty
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import STATES
from dashboard.services import queries
from dashboard.services.queries import RunHandle
from dashboard.session import state

# The other pages show no run, or let the reader choose theirs in the page.
SHOWS_RUN = ("overview", "circuit", "what_if", "groups", "run", "before_after", "report")


def sidebar(page: str) -> None:
    """Draw the run picker on a page that shows the chosen run."""
    runs = queries.runs() if page in SHOWS_RUN else {}
    with st.sidebar:
        if runs:  # an empty box would be disabled, with too little contrast
            state.pick(
                t("sidebar-run"),
                "run",
                list(runs),
                queries.default_run(runs),
                shown=lambda name: t("sidebar-run-state", run=name, state=STATES[runs[name].status.state]),
                help=t("sidebar-run-help"),
            )
        st.caption(t("sidebar-offline"))


def chosen_run() -> RunHandle | None:
    """Return the run that the pages show, or None where there is none."""
    runs = queries.runs()
    name = state.current("run", list(runs), queries.default_run(runs))
    return runs[name] if name else None


def shown_run() -> RunHandle | None:
    """Return the run that the pages show; without a run, draw the empty state and return None."""
    run = chosen_run()
    if run is None:
        empty(t("no-run"), "run", t("no-run-launch"))
    return run
