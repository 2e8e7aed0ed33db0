"""Runs as cards that stay readable on a narrow screen, and requests and runs as tables to export."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import pandas as pd
import streamlit as st

from core.errors import DamagedError
from core.types import LIVE, Request, RequestStatus, RunState
from dashboard.components.evidence import WORDS
from dashboard.components.request_card import state_text
from dashboard.components.text import about, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import STATES, duration, escape, scope
from dashboard.presenters.run_comparison import LEAST, MOST
from dashboard.services import queries
from dashboard.services.queries import RunHandle

T = TypeVar("T")
SHOWN = 6  # cards in a list


def two_columns(items: Sequence[T], draw: Callable[[T], None]) -> None:
    """Draw cards in two columns, row by row, so that a narrow screen keeps their order."""
    for start in range(0, len(items), 2):
        for column, item in zip(st.columns(2, gap="medium"), items[start : start + 2], strict=False):
            with column:
                draw(item)


def run_row(run: RunHandle) -> bool:
    """Show one run with its state, its result in a sentence and a link; return whether it is ticked for comparison."""
    with st.container(border=True):
        st.markdown(about(run))
        st.caption(_result(run))
        with st.container(horizontal=True, vertical_alignment="center"):
            link("run", t("overview-run-open"), run=run.id)
            finished = run.status.state is RunState.DONE
            return finished and st.checkbox(t("compare-tick", run=escape(run.id)), key=f"tick_{run.id}")


def run_rows(runs: Sequence[RunHandle]) -> None:
    """Show the newest runs, and a link that compares those that are ticked."""
    ticked: list[str] = []

    def draw(run: RunHandle) -> None:
        if run_row(run):
            ticked.append(run.id)

    two_columns(runs[:SHOWN], draw)
    if LEAST <= len(ticked) <= MOST:
        link("compare", t("compare-ticked", runs=len(ticked)), "view_column", runs=",".join(ticked))
    elif len(runs) >= LEAST:
        st.caption(t("compare-tick-some", least=LEAST, most=MOST))


def _result(run: RunHandle) -> str:
    """The result of a run in a sentence, or which of its files is damaged."""
    try:
        status, summary = run.status, queries.summary(run)
    except DamagedError as error:
        return escape(str(error))
    if summary and status.state is RunState.DONE:
        return summary.headline
    if status.state in LIVE:
        progress = f"{status.progress:.0%}"
        if status.eta is None:
            return t("overview-run-live", progress=progress)
        return t("overview-run-live-left", progress=progress, left=duration(status.eta))
    return escape(status.message) or t("overview-run-nothing")


def request_table(requests: tuple[Request, ...], statuses: Mapping[str, RequestStatus]) -> pd.DataFrame:
    """Return the table of all open requests, to export."""
    rows = [
        (row.id, ", ".join(row.subjects), scope(row), row.reason, row.created, row.due, *_standing(statuses[row.id]))
        for row in requests
    ]
    columns = [
        t("overview-request-column"),
        t("overview-users-column"),
        t("overview-covers-column"),
        t("overview-reason-column"),
        t("overview-opened-column"),
        t("overview-due-column"),
        t("overview-state-column"),
        t("overview-verdict-column"),
    ]
    return pd.DataFrame(rows, columns=columns)


def _standing(status: RequestStatus) -> tuple[str, str]:
    return state_text(status), str(WORDS[status.verdict]) if status.verdict else ""


def run_table(runs: dict[str, RunHandle]) -> pd.DataFrame:
    """Return the table of all runs, to export."""
    rows = [
        (spec.id, spec.request, spec.method, status.device, spec.created, STATES[status.state], seconds)
        for spec, status in ((run.spec, run.status) for run in runs.values())
        for seconds in [None if spec.is_external else status.seconds]  # the time of the other tool is not known
    ]
    columns = [
        t("overview-run-column"),
        t("overview-request-column"),
        t("overview-method-column"),
        t("overview-device-column"),
        t("overview-created-column"),
        t("overview-state-column"),
        t("overview-seconds-column"),
    ]
    return pd.DataFrame(rows, columns=columns)
