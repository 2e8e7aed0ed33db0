"""Graphs of single prompts, and graph JSON of these and of the circuits of runs."""

import json
import math
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from core.data.splits import by_user, split_by_time, targets_with_history
from core.errors import WorkspaceError
from core.types import AttributionGraph, Interaction
from dashboard.services import queries
from dashboard.services.queries import RunHandle

if TYPE_CHECKING:
    from core.pipeline.single_prompt import SinglePrompt

TRACED = 32  # prompts that are kept
LARGEST_MIB = 20  # of a graph JSON file


def targets(user: str) -> dict[str, Interaction]:
    """The titles of a user that a prompt can ask for, by item, newest first."""
    workspace = queries.workspace()
    events = by_user(queries.history(user), workspace.settings.task)[user]
    return dict(reversed(targets_with_history(split_by_time(events)[0]).items()))


def model_names(run: RunHandle) -> list[str]:
    """Names of the models that can answer, of `models.MODELS`."""
    from dashboard.services import models  # loads torch

    return list(models.adapters(run))


def trace(run: RunHandle, model: str, user: str, item: str, progress: Callable[[float], None]) -> "SinglePrompt":
    """The nodes and edges of one prompt, computed once.

    All models read the same counterfactual prompt, the one found with the original, so that they can be compared.

    Args:
        run: The run whose model answers.
        model: One of `models.MODELS`.
        user: The user.
        item: The target, one of `targets`.
        progress: Called with the share of the work done.

    Raises:
        RunError: The prompt has no counterfactual prompt, or the history does not change its answer.
    """
    from core.pipeline.single_prompt import trace_prompt  # loads torch
    from dashboard.services import models  # loads torch

    pair = trace(run, models.ORIGINAL, user, item, progress).pair if model != models.ORIGINAL else None
    asked, found = models.loaded(run, model), _traced()
    key = (*asked.key, user, item)
    with asked.lock:
        if key not in found:
            recommender = asked.what_if.recommender
            found[key] = trace_prompt(recommender, asked.context, user, item, pair=pair, progress=progress)
            while len(found) > TRACED:
                found.popitem(last=False)
        return found[key]


@st.cache_resource(show_spinner=False)
def _traced() -> "OrderedDict[tuple[str, ...], SinglePrompt]":
    """Prompts that were traced; no cached function, since it could not draw its progress."""
    return OrderedDict()


def graph_name(*parts: str) -> str:
    """A name for a graph or a file: letters, digits and hyphens."""
    from core.circuit import neuronpedia_json  # loads torch

    return neuronpedia_json.graph_name(*parts)


def graph_json(graph: AttributionGraph, metric: float) -> str:
    """A graph as graph JSON; `metric` is the logit difference, from which the answer's probability follows."""
    from core.circuit.neuronpedia_json import to_graph_json  # loads torch

    return json.dumps(to_graph_json(graph, 1 / (1 + math.exp(-metric))), indent=1)


def read_graph(content: bytes) -> AttributionGraph:
    """The graph of a graph JSON file.

    Raises:
        WorkspaceError: The file is too large, no JSON, or no graph of attention heads and MLPs.
    """
    from core.circuit.neuronpedia_json import from_graph_json  # loads torch

    if len(content) > LARGEST_MIB * 2**20:
        raise WorkspaceError(f"The file has {len(content) / 2**20:.0f} MiB: choose one of at most {LARGEST_MIB} MiB.")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WorkspaceError("The file is no JSON: choose a graph JSON, as this page saves it.") from error
    return from_graph_json(found)


def circuit_json(run: RunHandle, which: int, labelled: Mapping[str, Sequence[str]]) -> str:
    """The circuit of a run as graph JSON.

    Args:
        run: The run.
        which: 0 for the forget set, 1 for the retain set.
        labelled: Supernodes, modules by label.
    """
    from core.circuit.neuronpedia_json import circuit_as_graph  # loads torch

    found = queries.circuits(run)
    assert found
    name, model = graph_name(run.id, ("forget", "retain")[which]), run.workspace.settings.name
    graph = circuit_as_graph(found[which], name, model, name).with_supernodes(labelled)
    return graph_json(graph, found[which].clean)
