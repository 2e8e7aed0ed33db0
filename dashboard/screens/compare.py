"""Compare page: two to six finished runs side by side, and which of them is ahead in what."""

import streamlit as st

from dashboard import charts
from dashboard.components.comparison import circuits, cost, forgotten, membership, quality, verdict
from dashboard.components.evidence import WORDS, verdict_word
from dashboard.components.exports import chart, table
from dashboard.components.text import empty, guarded, lead
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code
from dashboard.presenters.run_comparison import (
    LEAST,
    MOST,
    RunFacts,
    common_measure,
    headline,
    list_changes,
    notes,
    numbers,
)
from dashboard.services import comparison, queries
from dashboard.services.queries import RunHandle
from dashboard.session import state


def pick(found: dict[str, RunHandle]) -> list[str]:
    """Draw the box that chooses runs; say which runs of the address are not shown, and why."""
    asked, known = state.listed("runs"), queries.runs()
    usable = [name for name in asked if name in found]
    for name in asked:
        if name in known and name not in found:
            st.warning(t("compare-unfinished", run=code(name)), icon=":material/hourglass_empty:")
    if len(usable) > MOST:
        left_out = ", ".join(map(code, usable[MOST:]))
        st.warning(t("compare-many", asked=len(usable), most=MOST, runs=left_out), icon=":material/filter_6:")
    return state.pick_many(
        t("compare-pick"), "runs", list(found), MOST, lambda name: label(found[name]),
        t("compare-pick-search"), t("compare-pick-help"),
    )  # fmt: skip


def label(run: RunHandle) -> str:
    """Name a run with what tells it from others."""
    word = verdict_word(queries.verification(run))
    method = queries.method_title(run.spec)
    return t("compare-pick-run", run=run.id, method=method, request=run.spec.request, verdict=word)


def picture(facts: list[RunFacts], measure: str) -> None:
    """Draw the share forgotten against the fall of the test AUC; say which runs have no mark."""
    st.subheader(t("compare-chart"), anchor=False)
    data = charts.tradeoff_frame(facts, measure)
    if data.empty:
        st.markdown(t("compare-chart-none"))
        return
    margins = [one.margin for one in facts if one.margin is not None]
    drawn = charts.tradeoff(data, [one.run for one in facts], min(margins, default=None))
    chart(drawn, "runs-forgotten-quality", t("compare-chart-alt"))
    if missing := [code(one.run) for one in facts if one.run not in set(data["run"])]:
        st.caption(t("compare-chart-missing", runs=", ".join(missing)))


@st.fragment
def lists(runs: list[RunHandle]) -> None:
    """Show how one person's top list changed in each run."""
    st.subheader(t("compare-lists"), anchor=False, help=t("compare-lists-help"))
    people, first = comparison.people(runs)
    user = state.pick(t("compare-lists-user"), "person", people, first)
    with guarded(), st.spinner(t("before-asking")):
        found = {run.id: comparison.lists(run, user or first) for run in runs}
        frame = list_changes(found)
        narrow = {name: st.column_config.TextColumn(width="small") for name in frame.columns[1:]}
        table(frame, f"lists-{user}", t("compare-lists-alt", rows=len(frame)), narrow, "content")


found = comparison.finished()
if len(found) < LEAST:
    lead(t("compare-none"))
    empty(t("compare-none-yet", runs=len(found)), "run", t("compare-launch"))
    st.stop()
title = st.container()
chosen = pick(found)
if len(chosen) < LEAST:
    with title:
        lead(t("compare-none"), t("compare-few") if chosen else t("compare-none-note"))
    st.stop()
runs = [found[name] for name in chosen]
facts = [comparison.facts(run) for run in runs]
measure = common_measure(facts)
with title:
    lead(headline(facts), " ".join(notes(facts)))
verdict(facts)
forgotten(facts, measure)
quality(facts)
picture(facts, measure)
membership(facts)
lists(runs)
circuits(facts)
cost(facts)
with st.expander(t("compare-table")):
    st.caption(t("compare-rule"))
    words = {one: str(word) for one, word in WORDS.items()}
    table(numbers(facts, words), "compared-runs", t("compare-table-alt"))
