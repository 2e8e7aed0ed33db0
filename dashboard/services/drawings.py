"""Drawings of circuits, and what the circuits of two runs have in common."""

from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import DamagedError
from core.runs.artifacts import RunArtifacts
from core.runs.handle import RunHandle
from dashboard.presenters.circuit_scene import START, texts
from dashboard.presenters.circuit_scene import scene as draw_scene
from dashboard.presenters.network_html import page as network_page
from dashboard.services.queries import Stamps, circuits, groups, run, stamps


def network(run: RunHandle, which: int) -> str:
    """The circuit as a network whose modules can be dragged; `which` 0 for the forget set, 1 for the retain set."""
    from core.circuit.graph import circuit_graph  # loads torch

    found, sorted_modules = circuits(run), groups(run)
    assert found and sorted_modules
    return network_page(circuit_graph(found[which]), sorted_modules, START)


def scene(selected: RunHandle, which: int, other: str | None) -> dict[str, Any]:
    """The data of the circuit explorer, with the circuit of the run `other` beside it where one is given."""
    beside = run(other) if other else None
    key, other_key = _circuit_stamps(selected), _circuit_stamps(beside) if beside else None
    return _scene(str(selected.path), str(beside.path) if beside else "", which, key, other_key)


def _circuit_stamps(run: RunArtifacts) -> Stamps:
    return stamps(run.layout.forget, run.layout.retain, run.layout.groups)


@st.cache_resource(max_entries=16, show_spinner=False)  # thousands of connections, which nobody changes
def _scene(path: str, other: str, which: int, key: Stamps, other_key: Stamps | None) -> dict[str, Any]:
    run = RunArtifacts(Path(path))
    found, sorted_modules = circuits(run), groups(run)
    beside = circuits(RunArtifacts(Path(other))) if other else None
    assert found and sorted_modules
    return draw_scene(found[which], sorted_modules, beside[which] if beside else None) | {"texts": texts()}


def comparable(run: RunHandle, other: RunHandle) -> bool:
    """Whether both runs have circuits of one model's modules."""
    try:
        found, beside = circuits(run), circuits(other)
    except DamagedError:
        return False
    return bool(found and beside and found[0].modules == beside[0].modules)


def common(selected: RunHandle, which: int, other: str) -> dict[str, int]:
    """How many modules both runs' circuits hold, and each one alone."""
    found, beside = circuits(selected), circuits(run(other))
    assert found and beside
    here, there = set(found[which].members), set(beside[which].members)
    return {"both": len(here & there), "here": len(here - there), "there": len(there - here)}
