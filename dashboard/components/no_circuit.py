"""The next step on a page whose run has no circuit: wait for it, open a run that has one, or launch one."""

import streamlit as st

from core.types import LIVE
from dashboard.components.text import link
from dashboard.presenters.i18n import t
from dashboard.services import queries
from dashboard.services.queries import RunHandle

METHOD = "cure_merge_circuit"  # the default method, with groups by circuit


def no_circuit(page: str, run: RunHandle, sentence: str) -> None:
    """Draw why a page cannot show `run`, and the link to the next step.

    Args:
        page: Name of the page.
        run: The run shown, which has no circuit.
        sentence: Why the page needs one.
    """
    with st.container(border=True):
        st.markdown(sentence)
        if run.status.state in LIVE and queries.needs_circuits(run):
            link("run", t("circuit-watch"), "monitoring", run=run.id)
        elif found := next((one.id for one in queries.runs().values() if one.layout.groups.is_file()), None):
            link(page, t("circuit-open-other", run=found), "account_tree", run=found)
        else:
            link("run", t("circuit-launch"), "play_circle", request=run.spec.request, method=METHOD)
