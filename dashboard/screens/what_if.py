"""What if: one person's recommendations with parts of the model switched off, or titles left out."""

import streamlit as st

from dashboard import charts
from dashboard.components.ablation_board import board, chips
from dashboard.components.exports import chart
from dashboard.components.lists import side_by_side
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, lead, link
from dashboard.presenters import tables
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape, lists_sentence
from dashboard.services import queries
from dashboard.session import state

LENGTHS = (5, 10, 20, 50)


def choices(run: queries.RunFolder) -> tuple[str, str, int]:
    """Model, person and length of the list."""
    request = queries.workspace().request(run.spec.request)
    known, people, asked = list(models.adapters(run)), queries.listed(request), request.subjects
    left, middle, right = st.columns([2, 2, 1])
    names = {name: t(f"what-if-{name}") for name in known}
    with left:
        model = state.pick(
            t("what-if-model"), "model", known, known[0], names.__getitem__, help=t("what-if-model-help")
        )
    with middle:
        user = state.pick(
            t("what-if-person"), "person", people, people[0],
            lambda name: t("what-if-asked", user=name) if name in asked else name, help=t("what-if-person-help"),
        )  # fmt: skip
    with right:
        length = state.pick(t("what-if-length"), "length", [str(one) for one in LENGTHS], "10")
    return model or known[0], user or people[0], int(length or 10)


def switches(run: queries.RunFolder, groups, user: str) -> tuple[frozenset[str], frozenset[int]]:
    """The parts that are off and the places left out; both stand in the address."""
    known = {row.module for row in groups}
    st.subheader(t("what-if-parts-title"), anchor=False, help=t("what-if-parts-help"))
    first = state.once(f"off_{run.id}", frozenset((state.asked("off") or "").split(",")) & known)
    off = board(groups, first, f"board_{state.visit()}_{run.id}")
    st.subheader(t("what-if-history-title"), anchor=False, help=t("what-if-history-help"))
    history = models.shown_history(run, user)
    places = {str(place) for place in range(len(history))}
    first = state.once(f"out_{run.id}_{user}", frozenset((state.asked("out") or "").split(",")) & places)
    first = first if len(first) < len(history) else frozenset()  # one title must stay
    out = chips(
        history, queries.workspace().items, {int(place) for place in first}, f"chips_{state.visit()}_{run.id}_{user}"
    )
    state.address(off=",".join(sorted(off)), out=",".join(map(str, sorted(out))))
    return off, out


def answer(
    run: queries.RunFolder, model: str, user: str, length: int, off: frozenset[str], out: frozenset[int]
) -> None:
    """Both lists, and what changed between them."""
    found = models.what_if(run, model, user, out, off, length)
    change = lists_sentence(found.before, found.after)
    st.subheader(
        t("what-if-parts-off", parts=len(off), titles=len(out), change=change[:1].lower() + change[1:])
        if off or out
        else t("what-if-same", user=escape(user)),
        anchor=False,
    )
    if off or out:
        st.caption(t("what-if-answered", milliseconds=round(1000 * found.seconds)))
    as_it_is = tables.top_list(found.before, found.after, first=True).drop(columns=t("before-after-list-change"))
    changed = tables.top_list(found.after, found.before)
    side_by_side([(t("what-if-as-is"), as_it_is), (t("what-if-changed"), changed)], f"{run.id}-{user}")
    slopes = charts.slopes(found.before, found.after, (t("what-if-as-is"), t("what-if-changed")))
    chart(slopes, f"{run.id}-{user}-slopes", t("what-if-slopes-alt"))


@st.fragment
def explore(run: queries.RunFolder, groups) -> None:
    model, user, length = choices(run)
    left, right = st.columns([2, 3], gap="large")
    with left:
        off, out = switches(run, groups, user)
        if off:
            link("groups", t("what-if-send"), "category", run=run.id, forget=",".join(sorted(off)))
    with right:
        answer(run, model, user, length, off, out)


run = shown_run()
if run is None:
    st.stop()
lead(t("what-if-title"), about(run))
st.markdown(t("what-if-note"))
groups = queries.groups(run)
with st.spinner(t("what-if-loading")):
    from dashboard.services import models  # imports torch: the words above are there before it

    able = bool(groups and models.adapters(run))
if groups and able:
    explore(run, groups)
else:
    empty(t("what-if-no-model") if groups else t("what-if-no-groups"), "run", t("circuit-watch"))
