"""What-if page: one user's recommendations with modules switched off or steered, or titles left out."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.types import Interaction, ModuleGroup
from dashboard import charts
from dashboard.components.ablation_board import ablation_board, history_trays
from dashboard.components.exports import chart
from dashboard.components.lists import side_by_side
from dashboard.components.no_circuit import no_circuit
from dashboard.components.sidebar import shown_run
from dashboard.components.steering import steering
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.presenters import tables
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.presenters.strengths import change_sentence, effect_sentence
from dashboard.services import queries
from dashboard.session import state

LENGTHS = (5, 10, 20, 50)


def choices(run: queries.RunHandle) -> tuple[str, str, int]:
    """Let the user choose the model, the user and the length of the list."""
    request = queries.workspace().request(run.spec.request)
    known, users, forgotten = list(models.adapters(run)), queries.selectable_users(request), request.subjects
    left, middle, right = st.columns([2, 2, 1])
    names = {name: t(f"what-if-{name}") for name in known}
    with left:
        model = state.pick(
            t("what-if-model"), "model", known, known[0], names.__getitem__, help=t("what-if-model-help")
        )
    with middle:
        user = state.pick(
            t("what-if-user"),
            "person",
            users,
            users[0],
            lambda name: t("what-if-forgotten-user", user=name) if name in forgotten else name,
            help=t("what-if-user-help"),
        )
    with right:
        length = state.pick(t("what-if-length"), "length", [str(count) for count in LENGTHS], "10")
    return model or known[0], user or users[0], int(length or 10)


def ablations(
    run: queries.RunHandle, groups: Sequence[ModuleGroup], user: str, history: Sequence[Interaction]
) -> tuple[frozenset[str], dict[str, float], frozenset[int]]:
    """Draw the board, the sliders and the trays.

    Returns:
        The modules that are off, the strengths of those that are steered, and the positions left out.
    """
    known = {row.module for row in groups}
    st.subheader(t("what-if-modules-title"), anchor=False, help=t("what-if-modules-help"))
    first = state.once(f"off_{run.id}", frozenset((state.query_value("off") or "").split(",")) & known)
    off = ablation_board(groups, first, f"board_{state.visit()}_{run.id}")
    steered = steering([row.module for row in groups], off)
    st.subheader(t("what-if-history-title"), anchor=False, help=t("what-if-history-help"))
    indices = {str(index) for index in range(len(history))}
    first = state.once(f"out_{run.id}_{user}", frozenset((state.query_value("out") or "").split(",")) & indices)
    first = first if len(first) < len(history) else frozenset()  # one title must stay
    out = history_trays(
        history, queries.workspace().items, {int(index) for index in first}, f"chips_{state.visit()}_{run.id}_{user}"
    )
    state.address(off=",".join(sorted(off)), out=",".join(map(str, sorted(out))))
    return off, steered, out


def answer(
    run: queries.RunHandle,
    model: str,
    user: str,
    length: int,
    off: frozenset[str],
    steered: Mapping[str, float],
    out: frozenset[int],
) -> None:
    """Show both lists and the changes between them.

    Args:
        run: The run whose models answer.
        model: Name of the model.
        user: The user.
        length: Length of the lists.
        off: Modules that are off.
        steered: Strength of each steered module.
        out: Positions of the history that are left out.
    """
    result = models.what_if(run, model, user, out, {**dict.fromkeys(off, 0.0), **steered}, length)
    if off or steered or out:
        st.subheader(change_sentence(result.before, result.after, len(off), steered, len(out)), anchor=False)
        answered = t("what-if-answered", milliseconds=round(1000 * result.seconds))
        st.caption(f"{effect_sentence(result.before, result.after)} {answered}".strip())
    else:
        st.subheader(t("what-if-same", user=escape(user)), anchor=False)
    unchanged = tables.top_list(result.before, result.after, first=True).drop(columns=t("before-after-list-change"))
    changed = tables.top_list(result.after, result.before)
    side_by_side([(t("what-if-as-is"), unchanged), (t("what-if-changed"), changed)], f"{run.id}-{user}")
    slopes = charts.slopes(result.before, result.after, (t("what-if-as-is"), t("what-if-changed")))
    chart(slopes, f"{run.id}-{user}-slopes", t("what-if-slopes-alt"))


@st.fragment
def explore(run: queries.RunHandle, groups: Sequence[ModuleGroup]) -> None:
    """Draw the choices, the ablations and both lists."""
    model, user, length = choices(run)
    with guarded():  # the base model may not be on this machine
        history = models.shown_history(run, model, user)
        left, right = st.columns([2, 3], gap="large")
        with left:
            off, steered, out = ablations(run, groups, user, history)
            if off:
                link("groups", t("what-if-send"), "category", run=run.id, forget=",".join(sorted(off)))
        with right:
            answer(run, model, user, length, off, steered, out)


run = shown_run()
if run is None:
    st.stop()
lead(t("what-if-title"), about(run))
st.markdown(t("what-if-note"))
groups = queries.groups(run)
with st.spinner(t("what-if-loading")):
    from dashboard.services import models  # loads torch, after the text above is drawn

    able = bool(groups and models.adapters(run))
if groups and able:
    explore(run, groups)
elif groups:
    empty(t("what-if-no-model"), "run", t("request-next-stopped"))
else:
    no_circuit("what_if", run, t("what-if-no-groups"))
