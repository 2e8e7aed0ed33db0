"""Request page: find a user, see what the model learned from them, and open a request to erase it."""

import streamlit as st

from core.types import Identity, LegalBasis, RequestState
from dashboard.components.batch import batch_form
from dashboard.components.exports import table
from dashboard.components.references import reference_box
from dashboard.components.request_card import request_card
from dashboard.components.text import guarded, lead
from dashboard.presenters import tables
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.inbox import TO_LAUNCH
from dashboard.presenters.phrases import code, ground, identity
from dashboard.services import commands, queries
from dashboard.session import state

SCOPES = Texts({"all": "request-all", "chosen": "request-chosen"})

workspace = queries.workspace()
training_users = workspace.user_split.training_users
lead(t("request-lead"), t("request-note", users=len(training_users)))
if opened := state.query_value("request"):
    with guarded():
        request = workspace.request(opened)
        status = queries.request_statuses()[opened]
        request_card(request, status)
        if status.state is not RequestState.IN_BATCH:
            reference_box(opened, leads_to_run=status.state in TO_LAUNCH)

user = state.pick(
    t("request-user"),
    "user",
    training_users,
    placeholder=t("request-user-search"),
    help=t("request-user-help"),
)
if user is None:
    st.info(t("request-user-missing"), icon=":material/person_search:")
    batch_form()
    st.stop()

events = queries.history(user)
titles = {
    event.item: workspace.items[event.item].title if event.item in workspace.items else event.item
    for event in reversed(events)
}
left, right = st.columns([3, 2], gap="large")
with left, st.container(key="history"):
    st.subheader(t("request-history"), anchor=False)
    liked = sum(event.liked for event in events)
    st.caption(t("request-history-counts", interactions=len(events), liked=liked))
    table(tables.history(events, workspace.items), "history", t("request-history-alt", rows=len(events)))
with right, st.container(border=True):
    st.subheader(t("request-form"), anchor=False)
    scope = st.radio(t("request-what"), list(SCOPES), format_func=SCOPES.__getitem__, key="request_scope")
    chosen = (
        st.multiselect(
            t("request-which"),
            list(titles),
            format_func=titles.__getitem__,
            key="request_items",
            placeholder=t("request-which-search"),
        )
        if scope == "chosen"
        else []
    )
    grounds, identities = tuple(LegalBasis), tuple(Identity)
    basis = st.selectbox(t("request-ground"), grounds, format_func=ground, key="request_ground")
    checked = st.selectbox(t("request-identity"), identities, format_func=identity, key="request_identity")
    reason = st.text_area(
        t("request-reason"),
        key="request_reason",
        max_chars=500,
        placeholder=t("request-reason-example"),
        help=t("request-reason-help"),
    )
    if st.button(t("request-open"), type="primary", icon=":material/check:"):
        with guarded():
            users = (user,) if scope == "all" else ()
            pairs = tuple((user, item) for item in chosen)
            request = commands.open_request(users, pairs, reason.strip(), basis, checked)
            state.put_notice(t("request-opened", request=code(request.id)))
            st.switch_page("screens/request.py", query_params={"request": request.id})
    st.caption(t("request-after"))
batch_form()
