"""A model loaded in the background when a workspace is opened, so that the page What if answers soon the first time."""

from contextlib import suppress
from pathlib import Path
from threading import Timer

import streamlit as st

from core.errors import CureLensError
from core.runs.handle import RunHandle
from dashboard.services import queries

SECONDS = 1.0  # delay, because the loading would slow down the page that opens the workspace
MOST_BYTES = 2 * 10**9  # size of a base model that is loaded without being asked for


def load_ahead() -> None:
    """Start the loading, once for each workspace and again after a deletion has emptied the memory."""
    _start(str(queries.workspace().root))


@st.cache_resource(max_entries=4, show_spinner=False)
def _start(root: str) -> Timer:
    timer = Timer(SECONDS, _load)
    timer.daemon = True
    timer.start()
    return timer


def _load() -> None:
    """Load the model of the newest run with groups, if its base model is small."""
    with suppress(CureLensError, OSError):  # what is missing here is missing on the page too, which says so
        if run := _wanted():
            from dashboard.services import models  # loads torch

            models.loaded(run, models.ORIGINAL)


def _wanted() -> RunHandle | None:
    """The run whose model is loaded; none where the base model is large or not on this disk."""
    base = Path(queries.workspace().base)
    if not base.is_dir() or sum(path.stat().st_size for path in base.iterdir()) > MOST_BYTES:
        return None
    return next((run for run in queries.runs().values() if queries.groups(run)), None)
