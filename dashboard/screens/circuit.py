"""Circuit page: the modules that carry the forget set, how they connect, and how certain this is."""

from collections import Counter
from functools import partial
from typing import Any
from zlib import crc32

import streamlit as st

from core.types import Circuit, Group, MemoryContrast, ModuleGroup
from dashboard import charts
from dashboard.components.circuit_multiples import ANCHOR, SETS, circuit_multiples
from dashboard.components.connection import connection_edges, connection_panel
from dashboard.components.explorer import explorer, explorer_page
from dashboard.components.exports import chart, export, save_json
from dashboard.components.graph_import import graph_import
from dashboard.components.module import module_panel
from dashboard.components.no_circuit import no_circuit
from dashboard.components.one_prompt import one_prompt
from dashboard.components.sidebar import shown_run
from dashboard.components.supernodes import supernode_boxes, supernodes
from dashboard.components.text import about, lead
from dashboard.presenters import tables
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import circuit_sentence, forgotten_users, module_title, overlap_sentence
from dashboard.presenters.supernodes import Supernodes, written
from dashboard.services import drawings, prompt_graphs, queries
from dashboard.services.queries import RunHandle
from dashboard.session import state

STRONGEST = 12  # modules in the chart of what they read
MOST = 30  # modules in the chart of the memory contrast
PERCENT = st.column_config.NumberColumn(format="percent")
TWO = st.column_config.NumberColumn(format="%.2f")
THREE = st.column_config.NumberColumn(format="%.3f")
SHARES = ("certainty", "forget", "retain", "certainty-forget", "certainty-retain")
NUMBERS = ("ratio", "noise", "conflict")


def chosen(run: RunHandle) -> tuple[int, list[str], str | None]:
    """Return the index of the chosen circuit, the runs to compare with, and the chosen one of these."""
    others = [name for name, other in queries.runs().items() if name != run.id and drawings.comparable(run, other)]
    return SETS.index(state.current("set", SETS) or SETS[0]), others, state.current("other", others)


def choices(others: list[str]) -> None:
    """Let the user choose the circuit and a run to compare with.

    Args:
        others: Runs that can be compared.
    """
    left, right = st.columns(2)
    with left:
        state.pick(t("circuit-set"), "set", SETS, SETS[0], lambda name: t(f"circuit-set-{name}"))
    with right:
        state.pick(
            t("circuit-other"), "other", others, placeholder=t("circuit-other-none"), help=t("circuit-other-help")
        )


@st.fragment
def explore(
    run: RunHandle,
    circuit: Circuit,
    groups: tuple[ModuleGroup, ...],
    which: int,
    other: str | None,
    labelled: Supernodes,
) -> None:
    """Draw the graph and the panel of the selected module; a click redraws only this fragment.

    Args:
        run: The run shown.
        circuit: The circuit shown.
        groups: Group of each module.
        which: Index of the circuit, 0 for forget and 1 for retain.
        other: Id of a run to compare with.
        labelled: Supernodes, modules by label.
    """
    key = f"{state.visit()}_{run.id}_{which}_{other or '-'}_{crc32(written(labelled).encode())}"
    left, right = st.columns([5, 3], gap="large")
    with left:
        first = state.once(f"module_{key}", state.query_value("module") or "")
        view = state.once(f"view_{key}", state.query_value("show") or "")
        known = first if first in circuit.modules or connection_edges(circuit, first) else ""
        scene = _scene(run, which, other, labelled) | {"file": f"{run.id}-circuit-{SETS[which]}"}
        selected, view = explorer(scene, known, view, f"explorer_{key}")
    state.address(module=selected, show=view)
    if other:
        st.caption(t("circuit-common", **drawings.common(run, which, other)))
    with right:
        edges = connection_edges(circuit, selected)
        row = next((row for row in groups if row.module == selected), None)
        if edges:
            connection_panel(circuit, edges)
        elif row:
            effect = (queries.direct_effects(run) or {}).get(row.module)
            module_panel(run.id, row, circuit, effect, queries.outcome(run))
        else:
            clearest = max(groups, key=lambda row: (row.group is Group.FORGET, row.forget))
            st.subheader(t("circuit-panel-none"), anchor=False)
            st.markdown(f"{t('circuit-panel-none-next')} **{module_title(clearest.module)}**.")


def _scene(run: RunHandle, which: int, other: str | None, labelled: Supernodes) -> dict[str, Any]:
    return drawings.scene(run, which, other) | {"supernodes": [[label, *own] for label, own in labelled.items()]}


def legend(run: RunHandle, which: int, labelled: Supernodes) -> None:
    """Draw the note on the drawing and the download buttons; outside the fragment that a click redraws."""
    st.caption(t("circuit-graph-note"), help=t("circuit-graph-help"))
    with st.container(horizontal=True):
        st.download_button(
            t("circuit-save"), lambda: explorer_page(_scene(run, which, None, labelled)), f"{run.id}-circuit.html",
            "text/html", icon=":material/download:", type="tertiary", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            t("circuit-save-network"), lambda: drawings.network(run, which), f"{run.id}-network.html", "text/html",
            icon=":material/download:", type="tertiary", on_click="ignore", help=t("circuit-save-network-help"),
        )  # fmt: skip
        save_json(partial(prompt_graphs.circuit_json, run, which, labelled), f"{run.id}-circuit-{SETS[which]}")


def enough(run: RunHandle, circuit: Circuit) -> None:
    """Draw the faithfulness of the circuit beside random modules."""
    st.subheader(t("circuit-enough"), anchor=False, help=t("circuit-enough-help"))
    chart(charts.faithfulness(circuit), f"{run.id}-faithfulness", t("circuit-enough-alt"))
    kept, share = len(circuit.members), f"{circuit.faithfulness:.0%}"
    note = t("circuit-enough-note", kept=kept, all=len(circuit.modules), share=share, prompts=circuit.prompts)
    st.caption(f"{note} {overlap_sentence(circuit)}")


def reads(run: RunHandle, circuit: Circuit) -> None:
    """Draw the positions of the prompt that the strongest modules read."""
    if circuit.reads:
        st.subheader(t("circuit-reads"), anchor=False, help=t("circuit-reads-help"))
        chart(charts.places(circuit, STRONGEST), f"{run.id}-reads", t("circuit-reads-alt", count=STRONGEST))
        st.caption(t("circuit-reads-note"))


def all_modules(run: RunHandle, circuits: tuple[Circuit, Circuit], groups: tuple[ModuleGroup, ...]) -> None:
    """Show the numbers of all modules as a table."""
    st.subheader(t("circuit-all"), anchor=False)
    columns = {t(f"circuit-table-{name}"): PERCENT for name in SHARES}
    columns |= {t(f"circuit-table-{name}"): TWO for name in NUMBERS}
    frame = tables.modules(groups, circuits)
    st.dataframe(frame, hide_index=True, column_config=columns, height=360, alt=t("circuit-all-alt"))
    export(frame, f"{run.id}-modules")
    with st.expander(t("circuit-numbers")):
        st.markdown(t("circuit-numbers-text"))


def memory_contrast(run: RunHandle, modules: tuple[MemoryContrast, ...]) -> None:
    """Show the modules that remember the forget set, for methods that measure this in place of a circuit."""
    count = sum(row.contrast > row.contrast_noise for row in modules)
    whose = forgotten_users(queries.workspace().request(run.spec.request))
    lead(t("memory-lead", count=count, all=len(modules), whose=whose), about(run))
    no_circuit("circuit", run, t("memory-no-circuit"))
    st.markdown(t("memory-note"))
    chart(charts.memory(modules, MOST), f"{run.id}-memory", t("memory-alt"))
    st.subheader(t("circuit-all"), anchor=False)
    frame = tables.memory(modules)
    numbers = dict.fromkeys(frame.columns[2:], THREE)
    st.dataframe(frame, hide_index=True, column_config=numbers, height=360, alt=t("memory-all-alt"))
    export(frame, f"{run.id}-memory-modules")


run = shown_run()
if run is None:
    st.stop()
circuits, groups = queries.circuits(run), queries.groups(run)
if not circuits or not groups:
    if memory := queries.memory(run):
        memory_contrast(run, memory)
        st.stop()
    if not queries.needs_circuits(run):
        lead(t("circuit-uniform"), about(run))
        no_circuit("circuit", run, t("circuit-uniform-next"))
        st.stop()
    lead(t("circuit-no-run"), about(run))
    no_circuit("circuit", run, t("circuit-no-run-next"))
    st.stop()
lead(circuit_sentence(groups, forgotten_users(queries.workspace().request(run.spec.request))), about(run))
links = {"supernodes": t("supernode-title"), ANCHOR: t("circuit-multiples"), "one-prompt": t("prompt-title")}
st.markdown(t("circuit-jump", links=", ".join(f"[{title}](#{anchor})" for anchor, title in links.items())))
which, others, other = chosen(run)
labelled = supernodes(circuits[which].modules)
explore(run, circuits[which], groups, which, other, labelled)
choices(others)
legend(run, which, labelled)
supernode_boxes(run.id, circuits[which], labelled)
counts = Counter(row.group for row in groups)
st.markdown(
    t("circuit-others", retain=counts[Group.RETAIN], shared=counts[Group.SHARED], outside=counts[Group.OUTSIDE])
)
circuit_multiples([run, queries.runs()[other]] if other else [run])
left, right = st.columns(2, gap="large")
with left:
    enough(run, circuits[which])
with right:
    reads(run, circuits[which])
one_prompt(run, labelled)
graph_import(circuits[which].modules)
all_modules(run, circuits, groups)
