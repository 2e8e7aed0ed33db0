"""Before and after page: what is forgotten, one user's lists, other users' lists and all metrics, beside references."""

import math

import streamlit as st

from core.types import Action, Evaluation, Recommendation, RunState, Verdict
from dashboard import charts
from dashboard.components.exports import chart, table
from dashboard.components.lists import side_by_side
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, guarded, lead
from dashboard.presenters import advantages, tables
from dashboard.presenters.i18n import t
from dashboard.presenters.list_phrases import lists_sentence, overlaps_sentence
from dashboard.presenters.phrases import duration, utility
from dashboard.services import commands, queries, review
from dashboard.services.queries import RunHandle
from dashboard.session import state

CHARTED = ("forget_auc", "test_auc", "membership_auc")
LENGTHS = ("5", "10", "20", "50")
STORED = 10  # length of the lists that a run stores for a few users
NEIGHBOURS = 8
PERCENT = st.column_config.NumberColumn(format="percent")
Lists = dict[str, tuple[Recommendation, ...]]


def knowledge(run: RunHandle, evaluation: Evaluation) -> None:
    """Draw how much more than the references the model knows before and after, and the share that is forgotten."""
    st.subheader(t("before-knows"), anchor=False, help=t("before-knows-help"))
    verified = queries.verification(run)
    found = verified.advantages if verified and verified.advantages else evaluation.advantages
    if not found:
        st.markdown(t("before-knows-nothing"))
        return
    exact = verified is not None and verified.verdict is Verdict.EXACT
    if exact:
        st.markdown(t("before-knows-exact"))
    for column, one in zip(st.columns(len(found), gap="medium"), found, strict=True):
        with column:
            title = advantages.MEASURE_NAMES[one.measure]
            st.markdown(f"**{title}**" + ("" if exact else f"  \n{advantages.share_forgotten(one)}"))
            shown = charts.intervals(advantages.frame(one))
            chart(shown, f"{run.id}-{one.measure}", t("before-knows-alt", measure=title))
    st.caption(t("before-knows-note", level=advantages.interval_level(verified)))


def distance(run: RunHandle, evaluation: Evaluation) -> None:
    """Draw the distance to the references answer by answer, folded: much of it is chance, and no verdict uses it."""
    closeness, floor = evaluation.closeness, evaluation.floor
    if not math.isfinite(closeness.residual):  # there are no references
        return
    with st.expander(t("before-way")):
        st.markdown(t("before-way-note"))
        chart(charts.distance(closeness, floor), f"{run.id}-distance", t("before-way-alt"))
        jsd = [reference.jsd for reference in floor]
        spread = t("before-floor", low=f"{min(jsd):.4f}", high=f"{max(jsd):.4f}") if jsd else ""
        before, after = evaluation.closeness_original.jsd, closeness.jsd
        change = "more" if after > before else "less" if after < before else "same"
        st.caption(t("before-jsd", before=f"{before:.4f}", after=f"{after:.4f}", change=change) + " " + spread)


def user_lists(run: RunHandle, evaluation: Evaluation, user: str, length: int) -> Lists:
    """Return the user's list of each model: as stored by the run, else computed by the models now."""
    stored = next((lists for lists in evaluation.lists if lists.user == user), None)
    if stored and length == STORED:
        return {"original": stored.original, "unlearned": stored.unlearned, "reference": stored.reference}
    from dashboard.services import models  # loads torch

    with st.spinner(t("before-asking")):
        return models.lists(run, user, length)


@st.fragment
def one_user(run: RunHandle, evaluation: Evaluation) -> None:
    """Show one user's list by each model, the changed ranks, and the genres."""
    st.subheader(t("before-user-title"), anchor=False, help=t("before-user-help"))
    request = queries.workspace().request(run.spec.request)
    users = queries.selectable_users(request)
    left, right = st.columns([3, 1])
    with left:
        label = {name: t("before-forgotten-user", user=name) for name in request.subjects}
        user = state.pick(t("before-user"), "person", users, users[0], lambda name: label.get(name, name))
    with right:
        length = state.pick(t("before-length"), "length", LENGTHS, str(STORED))
    lists = user_lists(run, evaluation, user or users[0], int(length or STORED))
    before, after, reference = lists["original"], lists["unlearned"], lists.get("reference", ())
    st.markdown(lists_sentence(before, after) + " " + t("before-trace"))
    shown = [(t("before-before"), tables.top_list(before, after, first=True))]
    shown += [(t("before-after"), tables.top_list(after, before))]
    shown += [(t("before-reference"), tables.top_list(reference, before))] if reference else []
    side_by_side(shown, f"{run.id}-{user}")
    wide, narrow = st.columns([3, 2], gap="large")
    with wide:
        chart(charts.slopes(before, after), f"{run.id}-slopes", t("before-slopes-alt"))
    with narrow:
        if genres := charts.genres(lists, queries.workspace().items):
            chart(genres, f"{run.id}-genres", t("before-genres-alt"))
        st.caption(t("before-genres-note" if genres else "before-genres-none"))


@st.fragment(run_every=2)
def waiting(run: RunHandle) -> None:
    """Show the progress of the list comparison, and redraw the page when it ends."""
    status = run.overlap_status
    if status is None or status.state is not RunState.RUNNING:
        st.rerun()
    else:
        left = status.eta and t("before-measuring-left", left=duration(status.eta))
        st.progress(status.progress, left or t("before-measuring"))


def everyone(run: RunHandle) -> None:
    """Show how much of other users' lists stays, and of those most similar to the forgotten users."""
    st.subheader(t("before-everyone"), anchor=False, help=t("before-everyone-help"))
    overlaps, status = queries.overlaps(run), run.overlap_status
    if status and status.state is RunState.RUNNING:
        waiting(run)
    elif overlaps is None:
        if status and status.message:
            st.error(t("before-measure-failed"), icon=":material/error:")
        st.markdown(t("before-not-measured"))
        if review.may(Action.RUN) and st.button(t("before-measure"), icon=":material/groups:", key="measure"):
            with guarded():
                commands.measure_overlaps(run)
                st.rerun()
    else:
        st.markdown(overlaps_sentence(overlaps))
        left, right = st.columns([3, 2], gap="large")
        with left:
            chart(charts.overlaps(overlaps), f"{run.id}-overlaps", t("before-overlaps-alt"))
        with right:
            st.markdown(t("before-neighbours"))
            near = tables.neighbours(overlaps, NEIGHBOURS)
            table(near, f"{run.id}-neighbours", t("before-neighbours-alt"), dict.fromkeys(near.columns[1:], PERCENT))


def measures(run: RunHandle, evaluation: Evaluation) -> None:
    """Draw the main metrics as charts and all metrics as a table."""
    st.subheader(t("before-metrics"), anchor=False)
    for column, name in zip(st.columns(len(CHARTED), gap="medium"), CHARTED, strict=True):
        with column:
            title = tables.METRIC_TEXTS[name][0]
            st.markdown(f"**{title}**")
            shown = charts.intervals(tables.intervals(evaluation, [name]))
            chart(shown, f"{run.id}-{name}", t("before-interval-alt", measure=title))
    table(tables.metrics(evaluation), f"{run.id}-measures", t("before-metrics-alt"))


run = shown_run()
if run is None:
    st.stop()
evaluation, summary = queries.evaluation(run), queries.summary(run)
if evaluation is None or summary is None:
    lead(t("before-nothing"), about(run))
    empty(t("before-nothing-yet"), "run", t("before-watch"))
    st.stop()
lead(summary.headline, about(run))
st.markdown(utility(evaluation))
knowledge(run, evaluation)
one_user(run, evaluation)
everyone(run)
measures(run, evaluation)
distance(run, evaluation)
