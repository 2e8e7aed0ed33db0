"""Overview page: the requests by state and due date, what changed, the workspace's health, results, and all runs."""

import streamlit as st

from core.types import RequestState
from core.utils.assets import asset
from core.utils.commands import command_line
from dashboard.components.exports import export
from dashboard.components.health import changes, workspace_health
from dashboard.components.request_card import request_card
from dashboard.components.rows import SHOWN, request_table, run_rows, run_table, two_columns
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, glossary, lead, link
from dashboard.presenters.i18n import t
from dashboard.presenters.inbox import inbox_sentence
from dashboard.presenters.phrases import circuit_sentence, code, escape, forgotten_users, membership, utility
from dashboard.services import queries

workspace, runs = queries.workspace(), queries.runs()
statuses = queries.inbox()
requests = tuple(workspace.request(name) for name in statuses if statuses[name].state is not RequestState.CLOSED)
lead(
    inbox_sentence([statuses[request.id].state for request in requests]),
    t(
        "overview-note",
        workspace=escape(workspace.settings.name),
        data=t("overview-data-demo") if queries.demo() else escape(workspace.settings.data),
        users=len(workspace.user_split.training_users),
        titles=len(workspace.items),
        interactions=len(workspace.interactions),
    ),
)
if queries.demo() and workspace.settings.base == "base" and asset("demo-smollm2").is_dir():
    st.caption(t("overview-other-demo", command=code(command_line("demo", "--world", "smollm2"))))

st.subheader(t("overview-requests"), anchor=False, help=t("overview-requests-help"))
two_columns(requests[:SHOWN], lambda request: request_card(request, statuses[request.id]))
with st.container(horizontal=True, vertical_alignment="center"):
    if requests:
        export(request_table(requests, statuses), "requests", t("overview-requests-save", requests=len(requests)))
    link("request", t("overview-open-request"), "person_search")

later = st.container()  # reading the ledger may start a process, so it is drawn last

run = shown_run() if runs else None
if run and (evaluation := queries.evaluation(run)) and (summary := queries.summary(run)):
    st.subheader(t("overview-result"), anchor=False)
    with st.container(border=True):
        st.markdown(f"**{summary.headline}**")
        st.markdown(utility(evaluation) + " " + membership(evaluation))
        if groups := queries.groups(run):
            st.markdown(circuit_sentence(groups, forgotten_users(workspace.request(run.spec.request))))
        st.caption(about(run))
        with st.container(horizontal=True):
            link("before_after", t("overview-compare"), "compare_arrows", run=run.id)
            link("circuit", t("overview-modules"), "account_tree", run=run.id)
            link("report", t("overview-report"), "description", run=run.id)

if runs:
    st.subheader(t("overview-runs"), anchor=False, help=t("overview-runs-help"))
    run_rows(list(runs.values()))
    export(run_table(runs), "runs", t("overview-runs-save", runs=len(runs)))
glossary()
with later:
    changes()
    workspace_health()
