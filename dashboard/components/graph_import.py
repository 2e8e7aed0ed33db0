"""Graph JSON from elsewhere on the circuit page: a file is read, drawn, and its supernodes can be taken over."""

from collections.abc import Sequence

import streamlit as st

from core.types import AttributionGraph
from core.utils.text import one_line
from dashboard import charts
from dashboard.components.exports import chart
from dashboard.components.supernodes import keep_supernodes
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.presenters.single_prompt import strongest_part
from dashboard.presenters.supernodes import LONGEST, Supernodes, labelled_modules
from dashboard.services import prompt_graphs


def graph_import(modules: Sequence[str]) -> None:
    """Draw the section: the choice of a file, and its graph.

    Args:
        modules: The modules of the model shown, of which supernodes can be taken over.
    """
    with st.expander(t("import-title"), icon=":material/upload:"):
        st.markdown(t("import-note"))
        file = st.file_uploader(t("import-file"), type="json", max_upload_size=prompt_graphs.LARGEST_MIB)
        if file is not None:
            with guarded():
                graph = prompt_graphs.read_graph(file.getvalue())
                _show(graph, labelled_modules(graph, modules))


def _show(graph: AttributionGraph, labelled: Supernodes) -> None:
    part = strongest_part(graph)
    name, model = (escape(one_line(text)[:LONGEST]) for text in (graph.name, graph.model))
    counts = {"nodes": len(graph.nodes), "edges": len(graph.edges), "drawn": len(part.nodes), "lines": len(part.edges)}
    whole = "yes" if len(part.edges) == len(graph.edges) and len(part.nodes) == len(graph.nodes) else "no"
    st.markdown(f"**{t('import-lead', name=name, model=model, whole=whole, **counts)}**")
    if graph.description:
        st.caption(escape(one_line(graph.description)[:400]))
    chart(charts.prompt_graph(part), f"imported-{graph.name}", t("prompt-alt"))
    if labelled and st.button(t("import-supernodes", count=len(labelled)), icon=":material/hub:"):
        keep_supernodes(labelled)
