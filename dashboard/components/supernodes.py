"""Supernodes on the circuit page: put modules under a label, and see what the labelled modules pass to one another."""

from collections.abc import Sequence
from zlib import crc32

import streamlit as st

from core.types import Circuit
from dashboard import charts
from dashboard.components.exports import chart
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape, module_title
from dashboard.presenters.supernodes import LONGEST, Supernodes, added, parsed, refusal, written
from dashboard.session import state

KEY = "supernodes"  # query parameter


def supernodes(modules: Sequence[str]) -> Supernodes:
    """Return the supernodes of the address; say so where it names some that cannot be shown."""
    found, lost = parsed(state.carried(KEY), modules)
    if lost:
        st.warning(t("supernode-lost"), icon=":material/search_off:")
    return found


def supernode_boxes(run_id: str, circuit: Circuit, found: Supernodes) -> None:
    """Draw the supernodes with their summed connections, and the form that makes, extends and removes them.

    Args:
        run_id: Run that found the circuit.
        circuit: The circuit that the page shows.
        found: Modules by label.
    """
    st.subheader(t("supernode-title"), anchor="supernodes", help=t("supernode-help"))
    if not found:
        st.markdown(t("supernode-none"))
    left, right = st.columns([3, 2], gap="large")
    with right:
        _form(circuit, found)
        _remove(found)
    if found:
        with left:
            chart(charts.supernodes(circuit, found), f"{run_id}-supernodes", t("supernode-alt"))
            st.caption(t("supernode-note"))


def _form(circuit: Circuit, found: Supernodes) -> None:
    picked = state.query_value("module")
    scores = circuit.score_by_module
    by_strength = sorted(circuit.modules, key=lambda name: -abs(scores[name]))
    with st.form(f"supernode_{crc32(written(found).encode())}", border=False):  # empty again after a change
        modules = st.multiselect(
            t("supernode-modules"),
            by_strength,
            [picked] if picked in circuit.modules else [],
            format_func=module_title,
            placeholder=t("supernode-modules-hint"),
        )
        label = st.text_input(t("supernode-label"), placeholder=t("supernode-label-hint"), max_chars=10 * LONGEST)
        if not st.form_submit_button(t("supernode-make"), icon=":material/hub:"):
            return
    if sentence := refusal(label, modules, found):
        st.error(sentence, icon=":material/error:")
    else:
        keep_supernodes(added(found, label, modules))


def _remove(found: Supernodes) -> None:
    for number, (label, modules) in enumerate(found.items(), 1):
        text, button = st.columns([3, 1], vertical_alignment="center")
        names = ", ".join(map(module_title, modules))
        text.markdown(t("supernode-row", number=number, label=escape(label), modules=names))
        with button:
            # Italics are for screen readers only, see presenters/theme.py STYLE.
            if st.button(t("supernode-remove", label=escape(label)), key=f"draw_supernode_{number}", type="tertiary"):
                keep_supernodes({name: own for name, own in found.items() if name != label})


def keep_supernodes(found: Supernodes) -> None:
    """Write the supernodes into the address, and draw the page again."""
    state.carry(KEY, written(found))
    st.rerun()
