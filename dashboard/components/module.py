"""Panel of one module: its group and certainty, what it reads and writes, and how far the run changed it."""

import streamlit as st

from core.types import Circuit, DirectEffect, ModuleGroup, Outcome
from dashboard import charts
from dashboard.components.exports import chart
from dashboard.components.text import link
from dashboard.presenters import tables
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, capital, code, escape, module_title
from dashboard.presenters.theme import MARKS

STRONGEST = 5  # connections named in each direction


def module_panel(
    run_id: str, row: ModuleGroup, circuit: Circuit, effect: DirectEffect | None, outcome: Outcome | None
) -> None:
    """Show all that is known of one module, the summary first.

    Args:
        run_id: Run that found the circuit.
        row: Group and scores of the module.
        circuit: The circuit that the page shows.
        effect: Titles that the module raises and lowers, if known.
        outcome: Changes of the weights by the run, if finished.
    """
    st.subheader(f"{MARKS[row.group]} {capital(module_title(row.module))}", anchor=False)
    st.markdown(
        t(
            "circuit-panel-lead",
            group=GROUP_NAMES[row.group],
            serves=GROUP_WORDS[row.group],
            forget=f"{row.forget:.1%}",
            retain=f"{row.retain:.1%}",
        )
    )
    conflict = [] if row.conflict is None else [_conflict(row.conflict)]
    st.caption(" ".join([_certainty(row), *conflict, _moved(row, outcome)]))
    if row.reason:
        st.caption(t("circuit-panel-reason", reason=escape(row.reason)))
    _direct_effect(effect)
    if circuit.reads:
        st.markdown(t("circuit-panel-reads"))
        chart(charts.reads(circuit, row.module), f"{run_id}-{row.module}-reads", t("circuit-panel-reads-alt"))
    frame = tables.connections(circuit, row.module, STRONGEST)
    if len(frame):
        st.markdown(t("circuit-panel-edges"))
        st.dataframe(frame, hide_index=True, height="content", alt=t("circuit-panel-edges-alt"))
    link("what_if", t("circuit-panel-what-if"), "tune", run=run_id, off=row.module)


def _certainty(row: ModuleGroup) -> str:
    return t(
        "circuit-panel-certainty",
        certainty=f"{row.membership_probability:.0%}",
        ratio=f"{row.ratio:.2f}",
        noise=f"{row.noise:.2f}",
    )


def _conflict(cosine: float) -> str:
    """Describe whether forgetting and retaining conflict in this module."""
    name = (
        "circuit-panel-apart" if cosine < -0.1 else "circuit-panel-together" if cosine > 0.1 else "circuit-panel-across"
    )
    return t(name, cosine=f"{cosine:.2f}")


def _moved(row: ModuleGroup, outcome: Outcome | None) -> str:
    """Describe how far the run changed the parameters that the module owns, alone or with others."""
    if row.has_lora is False:
        return t("circuit-panel-no-lora")
    own = [cell for cell in outcome.cells if row.module in cell.owners] if outcome else []
    if not own:
        return t("circuit-panel-moved-unknown")
    if not any(cell.relative_change for cell in own):
        return t("circuit-panel-unmoved")
    alone = next((cell.relative_change for cell in own if len(cell.owners) == 1), own[0].relative_change)
    return t("circuit-panel-moved", share=f"{alone:.1%}")


def _direct_effect(effect: DirectEffect | None) -> None:
    """List the titles that the module raises and lowers for the forgotten users."""
    if effect is None or not (effect.raised or effect.lowered):
        return
    st.markdown(t("circuit-panel-direct-effects"), help=t("circuit-panel-direct-effects-help"))
    for name, rows in (("circuit-panel-raises", effect.raised), ("circuit-panel-lowers", effect.lowered)):
        if rows:
            titles = ", ".join(f"{escape(row.title)} ({code(f'{row.score:+.2f}')})" for row in rows[:3])
            st.markdown(t(name, titles=titles))
