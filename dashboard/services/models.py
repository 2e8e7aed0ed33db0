"""Models in memory, and the predictions that pages ask of them.

All sessions share the models, which are never trained; calls to one model wait for each other. Caches are bounded and
keyed by the digests of weights and data.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import streamlit as st

from core.errors import ModelError
from core.evaluation.evaluate import top_list
from core.evaluation.what_if import UserScenario, WhatIf
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.types import Interaction, Recommendation
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout
from dashboard.services.queries import RunHandle, stamps

MODELS = ORIGINAL, UNLEARNED, REFERENCE = "original", "unlearned", "reference"


@dataclass(frozen=True)
class Loaded:
    """One model in memory.

    Attributes:
        key: Digests of its weights and data.
        what_if: The model, ready for what-if questions.
        context: Data and prompts of the request.
        lock: Held during each call.
    """

    key: tuple[str, ...]
    what_if: WhatIf
    context: RequestContext
    lock: Lock


@dataclass(frozen=True, slots=True)
class ListChange:
    """A top list before and after an intervention.

    Attributes:
        before: The unchanged list.
        after: The list with modules steered and titles left out.
        seconds: Computing time of `after`, when it was first computed.
    """

    before: tuple[Recommendation, ...]
    after: tuple[Recommendation, ...]
    seconds: float


def adapters(run: RunHandle) -> dict[str, Path]:
    """Adapter folders of the models that can be compared, by name of the model."""
    workspace = run.workspace
    folders = (workspace.adapter, run.layout.adapter)
    found = zip(MODELS, (*folders, *workspace.reference_folders(run.spec.request)[:1]), strict=False)
    return {name: path for name, path in found if AdapterLayout(path).weights.is_file()}


def shown_history(run: RunHandle, model: str, user: str) -> tuple[Interaction, ...]:
    """The interactions in the prompt of `user`, oldest first, whichever of MODELS reads it. Raises ModelError."""
    context = loaded(run, model).context
    return tuple(context.histories[user][-(context.prompt_setup.window - 1) :])


def what_if(
    run: RunHandle, model: str, user: str, left_out: Collection[int], strengths: Mapping[str, float], length: int
) -> ListChange:
    """A user's list before and after an intervention.

    Args:
        run: The run.
        model: One of MODELS.
        user: The user.
        left_out: Positions of the shown history that are left out.
        strengths: Strength of each steered module: 0 is off, 1 as it is.
        length: Length of the list.

    Raises:
        ValueError: No title would be left in the history.
        ModelError: The model is gone.
    """
    asked = loaded(run, model)
    before, _ = _list(asked, user, (), (), length)
    return ListChange(before, *_list(asked, user, tuple(sorted(left_out)), tuple(sorted(strengths.items())), length))


def lists(run: RunHandle, user: str, length: int) -> dict[str, tuple[Recommendation, ...]]:
    """The user's unchanged lists, by name of the model: a reference's too, if there is one. Raises ModelError."""
    names = dict.fromkeys((ORIGINAL, UNLEARNED, *adapters(run)))
    return {name: _list(loaded(run, name), user, (), (), length)[0] for name in names}


def _key(loaded: Loaded) -> tuple[str, ...]:
    return loaded.key


@st.cache_data(max_entries=256, show_spinner=False, hash_funcs={Loaded: _key})
def _list(
    loaded: Loaded, user: str, left_out: tuple[int, ...], strengths: tuple[tuple[str, float], ...], length: int
) -> tuple[tuple[Recommendation, ...], float]:
    """A top list and its computing time in seconds."""
    context, recommender = loaded.context, loaded.what_if.recommender
    with loaded.lock:
        started = perf_counter()
        if left_out or strengths:
            found = _user_scenario(loaded, user, left_out).top(dict(strengths), length)
        else:
            found = top_list(recommender, context.histories[user], context.prompt_setup, loaded.what_if.items, length)
        return found, perf_counter() - started


@st.cache_resource(max_entries=8, show_spinner=False, hash_funcs={Loaded: _key})
def _user_scenario(loaded: Loaded, user: str, left_out: tuple[int, ...]) -> UserScenario:
    return loaded.what_if.for_user(loaded.context.histories[user], left_out)


def loaded(run: RunHandle, model: str) -> Loaded:
    """One of MODELS in memory, with the data of the run's request.

    Raises:
        ModelError: The model is gone, as after a deletion.
    """
    layout, folder = run.workspace.layout, adapters(run).get(model)
    if folder is None:
        raise ModelError(f"The {model} model of run {run.id!r} is gone: choose another model or run.")
    adapter = AdapterLayout(folder)
    weights = _digest(str(adapter.weights), stamps(adapter.weights))
    data = "".join(_digest(str(path), stamps(path)) for path in layout.data)
    return _load(str(layout.root), str(folder), run.spec.request, (weights, data))


@st.cache_resource(max_entries=4, show_spinner=False)
def _load(root: str, folder: str, request: str, key: tuple[str, str]) -> Loaded:
    workspace = Workspace(Path(root))
    recommender = load_adapter(workspace, folder, "auto")
    context = make_context(workspace, workspace.request(request), recommender.tokenizer)
    return Loaded((*key, request), context.what_if(recommender), context, Lock())


@st.cache_data(max_entries=64, show_spinner=False)
def _digest(path: str, stamp: object) -> str:
    return sha256_of_file(Path(path))
