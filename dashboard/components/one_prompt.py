"""One prompt on the circuit page: choose a user and a title, and see which module moves the answer from which title."""

from dataclasses import replace
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import LOGITS, AttributionGraph, NodeKey, PromptCircuit
from dashboard import charts
from dashboard.components.exports import chart, save_json, table
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.single_prompt import connections, effect_sentence, kept_sentence, node_title
from dashboard.presenters.supernodes import Supernodes
from dashboard.services import prompt_graphs, queries
from dashboard.services.queries import RunHandle
from dashboard.session import state


@st.fragment
def one_prompt(run: RunHandle, labelled: Supernodes) -> None:
    """Draw the section: the choices, then the graph of the chosen prompt once the reader asks for it.

    Args:
        run: The run shown.
        labelled: Supernodes, modules by label, for the saved graph JSON.
    """
    st.subheader(t("prompt-title"), anchor="one-prompt", help=t("prompt-help"))
    user, item = _choices(run)
    if not item:
        st.markdown(t("prompt-no-title"))
    elif state.query_value("trace"):
        with guarded():
            _answer(run, user, item, labelled)
    else:
        st.markdown(t("prompt-trace-note"))
        st.button(t("prompt-trace"), icon=":material/timeline:", on_click=state.address, kwargs={"trace": "1"})


def _choices(run: RunHandle) -> tuple[str, str | None]:
    """Let the reader choose a user and one of the user's titles."""
    request, items = queries.workspace().request(run.spec.request), queries.workspace().items
    users = queries.selectable_users(request)

    def named(user: str) -> str:
        return t("what-if-forgotten-user", user=user) if user in request.subjects else user

    left, right = st.columns(2)
    with left:
        user = state.pick(t("what-if-user"), "person", users, users[0], named, box="prompt_person") or users[0]
    titles = list(prompt_graphs.targets(user))
    with right:
        first = titles[0] if titles else None
        item = state.pick(t("prompt-target"), "title", titles, first, lambda name: items[name].title)
    return user, item


def _answer(run: RunHandle, user: str, item: str, labelled: Supernodes) -> None:
    """Trace the prompt, and show its sentences, graph, exports and table."""
    left, middle, right = st.columns(3)
    names = prompt_graphs.model_names(run)
    with left:
        model = state.pick(
            t("what-if-model"), "model", names, names[0], lambda name: t(f"what-if-{name}"), box="prompt_model"
        )
    bar = st.progress(0.0, t("prompt-tracing"))
    try:
        traced = prompt_graphs.trace(run, model or names[0], user, item, lambda share: _advance(bar, share))
    finally:
        bar.empty()
    shares = {str(size): share for size, share in traced.attribution.faithfulness.items()}
    start = str(traced.attribution.readable)
    with middle:
        size = state.pick(
            t("prompt-nodes"), "nodes", list(shares), start,
            lambda kept: t("prompt-size", kept=kept, share=f"{shares[kept]:.0%}"), help=t("prompt-nodes-help"),
        )  # fmt: skip
    name = prompt_graphs.graph_name(run.id, user, item, model or names[0])
    circuit = traced.circuit(int(size or start), name, run.workspace.settings.name)
    with right:
        picked = _pick_node(circuit.graph)
    st.markdown(f"**{effect_sentence(circuit, traced.prompt.events[-1], queries.workspace().items)}**")
    _show(circuit, picked, labelled)


def _advance(bar: DeltaGenerator, share: float) -> None:
    bar.progress(min(share, 1.0), t("prompt-tracing"))


def _pick_node(graph: AttributionGraph) -> NodeKey | None:
    """Let the reader choose one node, whose connections are then drawn in full colour."""
    nodes = {f"{node.module}@{node.column}": node.key for node in graph.nodes if node.module != LOGITS}
    found = state.pick(
        t("prompt-node"), "node", list(nodes), None, lambda name: node_title(graph, nodes[name]), t("prompt-node-none")
    )
    return nodes[found] if found else None


def _show(circuit: PromptCircuit, picked: NodeKey | None, labelled: Supernodes) -> None:
    """Show the graph with its exports, and its connections as a table."""
    graph = replace(circuit.graph, description=kept_sentence(circuit))
    st.markdown(graph.description)
    chart(charts.prompt_graph(graph, picked), graph.name, t("prompt-alt"))
    save_json(partial(prompt_graphs.graph_json, graph.with_supernodes(labelled), circuit.clean), graph.name)
    st.caption(t("prompt-note"))
    with st.expander(t("prompt-edges")):
        table(connections(graph, picked), f"{graph.name}-connections", t("prompt-edges-alt"), height=360)
