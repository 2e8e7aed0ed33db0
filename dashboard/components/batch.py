"""Form of the request page that makes one batch of several open requests."""

import streamlit as st

from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, scope
from dashboard.services import commands, queries
from dashboard.session import state


def batch_form() -> None:
    """Draw the form where at least two requests are free to join a batch."""
    waiting = {one.id: one for one in queries.single_requests()}
    if len(waiting) < 2:
        return
    with st.expander(t("batch-title"), icon=":material/group_work:"):
        st.caption(t("batch-note"))
        chosen = st.multiselect(
            t("batch-which"),
            list(waiting),
            format_func=lambda name: f"{name} · {scope(waiting[name])}",
            key="batch_members",
        )
        name = st.text_input(t("batch-id"), key="batch_id", max_chars=60, help=t("batch-id-help"))
        if st.button(t("batch-make"), icon=":material/group_work:", disabled=len(chosen) < 2, key="make_batch"):
            with guarded():
                batch = commands.open_batch(tuple(chosen), name.strip())
                state.put_notice(t("batch-made", request=code(batch.id), requests=len(batch.members)))
                st.switch_page("screens/request.py", query_params={"request": batch.id})
