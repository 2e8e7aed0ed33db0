"""Queries of pages on batches, and on how many rows a verdict takes."""

from collections.abc import Sequence

import streamlit as st

from core.errors import DamagedError, ReviewError
from core.review import batches
from core.review.cases import Cases
from core.runs.rows_needed import rows_needed as count_rows
from core.types import Action, Request, RowsNeeded
from dashboard.services import queries


def holding_batch(request_id: str) -> Request | None:
    """The batch under way that a request is in."""
    workspace = queries.workspace()
    return batches.held_members(workspace.requests(), Cases(workspace).newest()).get(request_id)


def can_dissolve(request: Request) -> bool:
    """Whether a request is a batch without a run that could still be used."""
    try:
        batches.check_dissolvable(queries.workspace(), request.id)
    except (ReviewError, DamagedError):
        return False
    return bool(request.members)


def dissolving_action(batch_id: str) -> Action:
    """The action that dissolving a batch takes."""
    return batches.dissolving_action(queries.workspace(), batch_id)


def single_requests() -> tuple[Request, ...]:
    """Open requests that are neither a batch nor in one, by due date."""
    free = (one for one in queries.workspace().requests() if not one.members and holding_batch(one.id) is None)
    return tuple(sorted(free, key=lambda one: (one.due, one.id)))


def rows_needed(requests: Sequence[Request]) -> RowsNeeded:
    """Rows that requests have together, and rows that a verdict takes."""
    place, verified = queries.workspace(), (run.layout.verification for run in queries.runs().values())
    return _rows_needed(str(place.root), tuple(requests), queries.stamps(*place.layout.data, *verified))


@st.cache_data(max_entries=16, show_spinner=False)
def _rows_needed(root: str, requests: tuple[Request, ...], key: queries.Stamps) -> RowsNeeded:
    return count_rows(queries.workspace(), requests)
