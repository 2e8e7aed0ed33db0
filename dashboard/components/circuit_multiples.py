"""Circuits as small multiples: the forget set against the retain set, of one run or of two runs side by side."""

import streamlit as st

from core.types import Circuit
from dashboard import charts
from dashboard.components.exports import chart
from dashboard.components.text import group_legend
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code
from dashboard.services import queries
from dashboard.services.queries import RunHandle

ANCHOR = "side-by-side"
SETS = ("forget", "retain")


def circuit_multiples(runs: list[RunHandle]) -> None:
    """Draw both circuits of one run, or of two runs: a row for each set, so that one looks across.

    Args:
        runs: One run or two, all with circuits of one model's modules.
    """
    st.subheader(t("circuit-multiples"), anchor=ANCHOR, help=t("circuit-multiples-help"))
    circuits = [_circuits(run) for run in runs]
    st.markdown(" ".join(_sentences(circuits)))
    drawn = [(run, which) for which in range(len(SETS)) for run in runs]
    for row in (drawn[:2], drawn[2:]):
        for column, panel in zip(st.columns(2, gap="large") if row else (), row, strict=True):
            with column:
                _panel(*panel)
    group_legend()
    if len(runs) == 1:
        st.caption(t("circuit-multiples-next"))


def _circuits(run: RunHandle) -> tuple[Circuit, Circuit]:
    found = queries.circuits(run)
    assert found
    return found


def _sentences(circuits: list[tuple[Circuit, Circuit]]) -> list[str]:
    """Say how many modules the circuits of each pair that stands side by side have in common."""
    if len(circuits) == 1:
        return [t("circuit-multiples-sets", **_common(*circuits[0]))]
    return [
        t("circuit-multiples-runs", set=t(f"circuit-set-{name}"), **_common(*(found[which] for found in circuits)))
        for which, name in enumerate(SETS)
    ]


def _common(first: Circuit, second: Circuit) -> dict[str, int]:
    one, other = set(first.members), set(second.members)
    return {"all": len(one | other), "both": len(one & other)}


def _panel(run: RunHandle, which: int) -> None:
    """Draw one circuit with its set, run, request and size."""
    circuit, groups, name = _circuits(run)[which], queries.groups(run), t(f"circuit-set-{SETS[which]}")
    assert groups
    texts: dict[str, str | int] = {
        "set": name,
        "kept": len(circuit.members),
        "all": len(circuit.modules),
        "share": f"{circuit.faithfulness:.0%}",
    }
    st.markdown(t("circuit-multiples-panel", run=code(run.id), request=code(run.spec.request), **texts))
    alt = t("circuit-multiples-alt", run=run.id, **texts)
    chart(charts.members(circuit, groups), f"{run.id}-{SETS[which]}-modules", alt)
