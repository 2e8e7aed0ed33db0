"""Overview page: the workspace, the latest result, the next step, all requests and runs, and the glossary."""

import streamlit as st

from dashboard.components.exports import export
from dashboard.components.rows import SHOWN, next_step, request_row, request_table, run_row, run_table
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, glossary, lead, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import circuit_sentence, escape, forgotten_users, membership, utility
from dashboard.services import queries

workspace, runs = queries.workspace(), queries.runs()
requests = workspace.requests()
lead(
    t("overview-lead", users=len(workspace.user_split.training_users), requests=len(requests)),
    t(
        "overview-note",
        workspace=escape(workspace.settings.name),
        data=escape(workspace.settings.data),
        titles=len(workspace.items),
        interactions=len(workspace.interactions),
    ),
)

run = shown_run() if runs else None
if run and (evaluation := queries.evaluation(run)) and (summary := queries.summary(run)):
    with st.container(border=True):
        st.subheader(summary.headline, anchor=False)
        st.markdown(utility(evaluation) + " " + membership(evaluation))
        if groups := queries.groups(run):
            st.markdown(circuit_sentence(groups, forgotten_users(workspace.request(run.spec.request))))
        st.caption(about(run))
        with st.container(horizontal=True):
            link("before_after", t("overview-compare"), "compare_arrows", run=run.id)
            link("circuit", t("overview-modules"), "account_tree", run=run.id)
            link("report", t("overview-report"), "description", run=run.id)

next_step(requests, runs)
left, right = st.columns(2, gap="medium")
with left:
    st.subheader(t("overview-requests"), anchor=False, help=t("overview-requests-help"))
    for request in requests[:SHOWN]:
        request_row(request, runs)
    if requests:
        export(request_table(requests, runs), "requests", t("overview-requests-save", requests=len(requests)))
    link("request", t("overview-open-request"), "person_search")
with right:
    st.subheader(t("overview-runs"), anchor=False, help=t("overview-runs-help"))
    for listed in list(runs.values())[:SHOWN]:
        run_row(listed)
    if runs:
        export(run_table(runs), "runs", t("overview-runs-save", runs=len(runs)))
glossary()
