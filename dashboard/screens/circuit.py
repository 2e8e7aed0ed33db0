"""Circuit: which parts of the model carry the data, how they connect, and how sure that is."""

import streamlit as st

from core.types import Circuit, Group, Memory, ModuleGroup
from dashboard import charts
from dashboard.components.explorer import explorer
from dashboard.components.exports import chart, export
from dashboard.components.module import module_panel
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, group_legend, lead
from dashboard.presenters import tables
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import circuit_sentence, group_counts, module_title, overlap_sentence, people
from dashboard.services import queries
from dashboard.services.queries import RunFolder
from dashboard.session import state

SETS = ("forget", "retain")
STRONGEST = 12
MOST = 30
PERCENT = st.column_config.NumberColumn(format="percent")
TWO = st.column_config.NumberColumn(format="%.2f")
THREE = st.column_config.NumberColumn(format="%.3f")
SHARES = ("sure", "forget", "retain", "sure-forget", "sure-retain")
NUMBERS = ("ratio", "noise", "conflict")


def choices(run: RunFolder) -> tuple[int, str | None]:
    """Whose circuit is shown, and the run whose circuit it is compared with."""
    left, right = st.columns(2)
    with left:
        which = state.pick(t("circuit-set"), "set", SETS, SETS[0], lambda name: t(f"circuit-set-{name}"))
    others = [name for name, other in queries.runs().items() if name != run.id and queries.comparable(run, other)]
    with right:
        other = state.pick(
            t("circuit-other"), "other", others, placeholder=t("circuit-other-none"), help=t("circuit-other-help")
        )
    return SETS.index(which or SETS[0]), other


@st.fragment
def explore(run: RunFolder, circuit: Circuit, groups: tuple[ModuleGroup, ...], which: int, other: str | None) -> None:
    """The drawing, and beside it the part that is selected; a press redraws nothing else."""
    key = f"{state.visit()}_{run.id}_{which}_{other or ''}"
    left, right = st.columns([5, 3], gap="large")
    with left:
        first = state.once(f"module_{key}", state.asked("module") or "")
        view = state.once(f"view_{key}", state.asked("show") or "")
        known = first if first in circuit.modules else ""
        selected, view = explorer(queries.scene(run, which, other), known, view, f"explorer_{key}")
    state.address(module=selected, show=view)
    if other:
        st.caption(t("circuit-shared", **queries.common(run, which, other)))
    with right:
        row = next((row for row in groups if row.module == selected), None)
        if row:
            toward = (queries.toward(run) or {}).get(row.module)
            module_panel(run.id, row, circuit, toward, queries.outcome(run))
        else:
            telling = max(groups, key=lambda one: (one.group is Group.FORGET, one.forget))
            st.subheader(t("circuit-panel-none"), anchor=False)
            st.markdown(f"{t('circuit-panel-none-next')} **{module_title(telling.module)}**.")


def under(run: RunFolder, which: int) -> None:
    """What the marks mean, and the drawing as a file; no part of what a press redraws."""
    group_legend()
    st.caption(t("circuit-graph-note"))
    st.download_button(
        t("circuit-save"), lambda: queries.picture(run, which), f"{run.id}-circuit.html", "text/html",
        icon=":material/download:", type="tertiary", on_click="ignore",
    )  # fmt: skip


def enough(run: RunFolder, circuit: Circuit) -> None:
    """The faithfulness curve beside the random control."""
    st.subheader(t("circuit-enough"), anchor=False, help=t("circuit-enough-help"))
    chart(charts.faithfulness(circuit), f"{run.id}-faithfulness", t("circuit-enough-alt"))
    kept, share = len(circuit.members), f"{circuit.faithfulness:.0%}"
    note = t("circuit-enough-note", kept=kept, all=len(circuit.modules), share=share, prompts=circuit.prompts)
    st.caption(f"{note} {overlap_sentence(circuit)}")


def reads(run: RunFolder, circuit: Circuit) -> None:
    """Where in the prompt the strongest parts read."""
    if circuit.reads:
        st.subheader(t("circuit-reads"), anchor=False, help=t("circuit-reads-help"))
        chart(charts.places(circuit, STRONGEST), f"{run.id}-reads", t("circuit-reads-alt", count=STRONGEST))
        st.caption(t("circuit-reads-note"))


def all_parts(run: RunFolder, circuits: tuple[Circuit, Circuit], groups: tuple[ModuleGroup, ...]) -> None:
    """The same numbers as an accessible table."""
    st.subheader(t("circuit-all"), anchor=False)
    columns = {t(f"circuit-table-{name}"): PERCENT for name in SHARES}
    columns |= {t(f"circuit-table-{name}"): TWO for name in NUMBERS}
    frame = tables.modules(groups, circuits)
    st.dataframe(frame, hide_index=True, column_config=columns, height=360, alt=t("circuit-all-alt"))
    export(frame, f"{run.id}-parts")
    with st.expander(t("circuit-numbers")):
        st.markdown(t("circuit-numbers-text"))


def remembering(run: RunFolder, found: tuple[Memory, ...]) -> None:
    """In place of a circuit: which parts remember, where the method asked that instead."""
    count = sum(one.contrast > one.contrast_noise for one in found)
    whose = people(queries.workspace().request(run.spec.request))
    lead(t("memory-lead", count=count, all=len(found), whose=whose), about(run))
    st.markdown(t("memory-note"))
    chart(charts.memory(found, MOST), f"{run.id}-memory", t("memory-alt"))
    st.subheader(t("circuit-all"), anchor=False)
    frame = tables.memory(found)
    numbers = dict.fromkeys(frame.columns[2:], THREE)
    st.dataframe(frame, hide_index=True, column_config=numbers, height=360, alt=t("memory-all-alt"))
    export(frame, f"{run.id}-memory-parts")


run = shown_run()
if run is None:
    st.stop()
circuits, groups = queries.circuits(run), queries.groups(run)
if not circuits or not groups:
    if found := queries.memory(run):
        remembering(run, found)
        st.stop()
    if not queries.grouped(run):
        lead(t("circuit-uniform"), about(run))
        st.markdown(t("circuit-uniform-next"))
        st.stop()
    lead(t("circuit-no-run"), about(run))
    empty(t("circuit-no-run-next"), "run", t("circuit-watch"))
    st.stop()
lead(circuit_sentence(groups, people(queries.workspace().request(run.spec.request))), about(run))
counts = group_counts(groups)
st.markdown(
    t("circuit-others", retain=counts[Group.RETAIN], shared=counts[Group.SHARED], outside=counts[Group.OUTSIDE])
)
st.subheader(t("circuit-graph-title"), anchor=False, help=t("circuit-graph-help"))
which, other = choices(run)
explore(run, circuits[which], groups, which, other)
under(run, which)
left, right = st.columns(2, gap="large")
with left:
    enough(run, circuits[which])
with right:
    reads(run, circuits[which])
all_parts(run, circuits, groups)
