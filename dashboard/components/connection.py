"""Panel of one connection: what it carries, whether it supports the prediction, and what is known of its certainty."""

import streamlit as st

from core.types import Circuit, Edge
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import capital, module_title
from dashboard.presenters.tables import connection_inputs


def connection_edges(circuit: Circuit, selected: str) -> tuple[Edge, ...]:
    """Return the edges of a selected connection, strongest first.

    Args:
        circuit: The circuit shown.
        selected: "source>target"; anything else has no edges.
    """
    own = [edge for edge in circuit.edges if f"{edge.source}>{edge.target}" == selected]
    return tuple(sorted(own, key=lambda edge: -abs(edge.score)))


def connection_panel(circuit: Circuit, edges: tuple[Edge, ...]) -> None:
    """Show all that is known of one connection, the summary first.

    Args:
        circuit: The circuit shown.
        edges: The edges between the two modules, one for each input; at least one.
    """
    source, target = edges[0].source, edges[0].target
    names = {"source": module_title(source), "target": module_title(target)}
    st.subheader(capital(t("circuit-connection-title", **names)), anchor=False)
    effect = sum(edge.score for edge in edges)
    lead = "circuit-connection-opposes" if effect > 0 else "circuit-connection-supports"
    st.markdown(t(lead, score=f"{abs(effect):.3f}"))
    st.markdown(t("circuit-connection-carries", **names))
    frame = connection_inputs(edges)
    st.dataframe(frame, hide_index=True, height="content", alt=t("circuit-connection-alt"))
    st.caption(f"{_certainty(circuit, source, target)} {t('circuit-connection-estimate')}")


def _certainty(circuit: Circuit, source: str, target: str) -> str:
    """Describe how surely both modules belong to the circuit; a connection alone has no measured certainty."""
    known = dict(zip(circuit.modules, circuit.membership_probability, strict=False))
    shown = [
        t("circuit-connection-member", module=module_title(name), share=f"{known[name]:.0%}")
        for name in (source, target)
        if name in known
    ]
    return " ".join([*map(capital, shown), t("circuit-connection-certainty")])
