"""Groups page: the groups of all modules, and an editor that changes them for a new run."""

import streamlit as st

from core.types import Circuit, Group, GroupEdit, GroupMove, ModuleGroup
from core.types.circuit import DEFAULT_RULE
from dashboard.components.exports import table
from dashboard.components.no_circuit import no_circuit
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, group_legend, guarded, lead
from dashboard.components.thresholds import thresholds
from dashboard.presenters import tables
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, circuit_sentence, escape, forgotten_users, module_title
from dashboard.services import commands, queries
from dashboard.services.queries import RunHandle
from dashboard.session import state


def mover(run: RunHandle, groups: tuple[ModuleGroup, ...]) -> tuple[GroupMove, ...]:
    """Draw the form that moves modules by hand and the moves so far, each with an undo button; return the moves."""
    key, names = f"moves_{run.id}", [row.module for row in groups]
    moves: tuple[GroupMove, ...] = state.kept(key, ())
    proposed = [name for name in (state.query_value("forget") or "").split(",") if name in names]
    with st.form(f"move_{state.visit()}", clear_on_submit=True):
        modules = st.multiselect(t("groups-modules"), names, proposed, format_func=module_title)
        group = st.selectbox(t("groups-into"), list(Group), format_func=GROUP_NAMES.__getitem__) or Group.SHARED
        reason = st.text_input(t("groups-reason"), max_chars=300, placeholder=t("groups-reason-hint"))
        if st.form_submit_button(t("groups-move"), icon=":material/drive_file_move:"):
            if not modules or not reason.strip():
                st.error(t("groups-incomplete"), icon=":material/error:")
            else:
                new = tuple(GroupMove(module, group, reason.strip()) for module in modules)
                moves = (*(move for move in moves if move.module not in modules), *new)
                state.keep(key, moves)
    for move in moves:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(
                t(
                    "groups-moved",
                    module=module_title(move.module),
                    group=GROUP_NAMES[move.group],
                    reason=escape(move.reason),
                ),
                width="stretch",
            )
            others = tuple(other for other in moves if other.module != move.module)
            st.button(
                t("groups-back"),
                key=f"back_{move.module}",
                type="tertiary",
                on_click=state.keep,
                args=(key, others),
            )
    return moves


def preview(run: RunHandle, before: tuple[ModuleGroup, ...], after: tuple[ModuleGroup, ...]) -> None:
    """Show the modules that change their group, and the share of the adapter's parameters that a run could change."""
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old.group is not new.group]
    st.markdown(t("groups-changed", count=len(changed)))
    shares = [queries.movable(run, rows) for rows in (before, after)]
    if None not in shares:
        st.markdown(t("groups-movable", before=f"{shares[0]:.0%}", after=f"{shares[1]:.0%}"))
    else:
        st.caption(t("groups-movable-unknown"))
    if changed:
        st.dataframe(tables.regrouped(changed), hide_index=True, height="content", alt=t("groups-changed-alt"))


def launch(run: RunHandle, edit: GroupEdit) -> None:
    """Draw the button that launches a run with the edited groups."""
    changed = edit != GroupEdit(run.id)
    pressed = st.button(
        t("groups-launch"), type="primary", icon=":material/play_circle:", disabled=not changed,
        help=None if changed else t("groups-launch-nothing"),
    )  # fmt: skip
    st.caption(t("groups-launch-note", request=run.spec.request, seed=run.spec.seed))
    if pressed:
        with guarded():
            method = run.spec.method if queries.needs_circuits(run) else "cure"
            name = commands.launch(run.spec.request, method, "auto", run.spec.seed, edit)
            st.switch_page("screens/run.py", query_params={"run": name})


@st.fragment
def editor(run: RunHandle, circuits: tuple[Circuit, Circuit], groups: tuple[ModuleGroup, ...]) -> None:
    """Draw the borders, the moves by hand, the preview and the launch button."""
    left, right = st.columns([3, 2], gap="large")
    first = state.once(f"borders_{run.id}", _borders(state.query_value("low"), state.query_value("high")))
    with right:
        st.subheader(t("groups-hand"), anchor=False, help=t("groups-hand-help"))
        moves = mover(run, groups)
    with left:
        st.subheader(t("groups-borders"), anchor=False, help=t("groups-borders-help"))
        start = GroupEdit(run.id, first[0], first[1], moves)
        low, high = thresholds(groups, circuits, start, f"thresholds_{state.visit()}_{run.id}")
        group_legend()
        st.caption(t("groups-borders-note"))
    edit = GroupEdit(run.id, low, high, moves)
    default_low, default_high = DEFAULT_RULE.low, DEFAULT_RULE.high
    state.address(low="" if low == default_low else f"{low:g}", high="" if high == default_high else f"{high:g}")
    with right:
        st.subheader(t("groups-preview"), anchor=False)
        with guarded():
            preview(run, groups, queries.regrouped(run, edit))
        launch(run, edit)


def _borders(low: str | None, high: str | None) -> tuple[float, float]:
    """Return the borders in the address if they are valid, else those of the rule."""
    try:
        borders = float(low or DEFAULT_RULE.low), float(high or DEFAULT_RULE.high)
    except ValueError:
        return DEFAULT_RULE.low, DEFAULT_RULE.high
    return borders if 0.05 <= borders[0] <= 0.5 <= borders[1] <= 0.95 else (DEFAULT_RULE.low, DEFAULT_RULE.high)


run = shown_run()
if run is None:
    st.stop()
circuits, groups = queries.circuits(run), queries.groups(run)
if not circuits or not groups:
    lead(t("groups-none"), about(run))
    no_circuit("groups", run, t("groups-none-next"))
    st.stop()
lead(circuit_sentence(groups, forgotten_users(queries.workspace().request(run.spec.request))), about(run))
st.markdown(t("groups-note"))
editor(run, circuits, groups)
st.subheader(t("circuit-all"), anchor=False)
table(tables.sorted_by_ratio(groups), f"{run.id}-groups", t("groups-table-alt"))
