"""Overview: what this workspace holds, what came out last, what to do next."""

import streamlit as st

from dashboard import engine
from dashboard.components.exports import export
from dashboard.components.rows import SHOWN, next_step, request_row, request_table, run_row, run_table
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, lead, link, words_legend
from dashboard.words import circuit_sentence, count, escape, membership, people, utility

place, runs = engine.workspace(), engine.runs()
requests = place.requests()
lead(
    f"One recommender that learned from {count(len(place.roles.members), 'person', 'people')}, and {count(len(requests), 'request')} to take data out of it.",
    f"Workspace **{escape(place.settings.name)}**, {escape(place.settings.data)}: {count(len(place.items), 'title')}, {count(len(place.interactions), 'interaction')}.",
)

run = shown_run() if runs else None
if run and (evaluation := engine.evaluation(run)) and (summary := engine.summary(run)):
    with st.container(border=True):
        st.subheader(summary.headline, anchor=False)
        st.markdown(utility(evaluation) + " " + membership(evaluation))
        if groups := engine.groups(run):
            st.markdown(circuit_sentence(groups, people(place.request(run.spec.request))))
        st.caption(about(run))
        with st.container(horizontal=True):
            link("before_after", "Compare before and after", "compare_arrows", run=run.id)
            link("circuit", "See the parts", "account_tree", run=run.id)
            link("report", "Read the report", "description", run=run.id)

next_step(requests, runs)
left, right = st.columns(2, gap="medium")
with left:
    st.subheader(
        "Requests",
        anchor=False,
        help="A request is one demand to erase: everything of some people, or chosen interactions.",
    )
    for request in requests[:SHOWN]:
        request_row(request, runs)
    if requests:
        export(request_table(requests, runs), "requests", f"Save all {len(requests)} as CSV")
    link("request", "Open a new request", "person_search")
with right:
    st.subheader(
        "Runs",
        anchor=False,
        help="A run finds the parts that carry the data, takes it out, checks the result and writes a report.",
    )
    for found in list(runs.values())[:SHOWN]:
        run_row(found)
    if runs:
        export(run_table(runs), "runs", f"Save all {len(runs)} as CSV")
words_legend()
