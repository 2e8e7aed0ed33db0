"""Forms that make one batch of several open requests, and that dissolve it."""

import streamlit as st

from core.report.rows_needed_text import rows_needed_text
from core.types import Request
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, scope
from dashboard.services import batches, commands
from dashboard.session import state


def batch_form() -> None:
    """Tell whether the waiting requests give a verdict; draw the form where at least two are free to join a batch."""
    waiting = {one.id: one for one in batches.single_requests()}
    if waiting:
        _rows(tuple(waiting.values()))
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
        if len(chosen) > 1:
            _rows(tuple(waiting[name] for name in chosen))
        name = st.text_input(t("batch-id"), key="batch_id", max_chars=60, help=t("batch-id-help"))
        if st.button(t("batch-make"), icon=":material/group_work:", disabled=len(chosen) < 2, key="make_batch"):
            with guarded():
                batch = commands.open_batch(tuple(chosen), name.strip())
                state.put_notice(t("batch-made", request=code(batch.id), requests=len(batch.members)))
                st.switch_page("screens/request.py", query_params={"request": batch.id})


def dissolve_button(request: Request) -> None:
    """Draw the button that dissolves a batch, with what it removes, where that is possible."""
    if not batches.can_dissolve(request):
        return
    with st.popover(t("batch-dissolve"), icon=":material/group_remove:"):
        st.write(t("batch-dissolve-help"))
        if not st.button(t("batch-dissolve-confirm"), key="dissolve_batch"):
            return
    with guarded():
        members = commands.dissolve_batch(request.id)
        state.address(request=members[0] if members else "", run="")
        state.put_notice(t("batch-dissolved", requests=", ".join(map(code, members)), count=len(members)))
        st.rerun()


def _rows(requests: tuple[Request, ...]) -> None:
    """Tell how many rows the requests have together, and how many a verdict takes."""
    st.caption(rows_needed_text(batches.rows_needed(requests)))
