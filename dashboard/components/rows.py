"""Requests and runs as cards that stay readable on a narrow screen, and as tables to export."""

import pandas as pd
import streamlit as st

from core.types import Request, RunState
from dashboard.components.text import about, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import LIVE, STATES, capital, code, date, duration, escape, scope
from dashboard.services import batches, queries
from dashboard.services.queries import RunHandle

SHOWN = 6  # cards in a list
NAMED = 8  # user ids on a card


def request_state(request: Request, runs: dict[str, RunHandle]) -> str:
    """Describe the state of a request from its runs."""
    states = [run.status.state for run in runs.values() if run.spec.request == request.id]
    if RunState.DONE in states:
        return t("overview-request-done")
    if any(state in LIVE for state in states):
        return t("overview-request-live")
    return t("overview-request-unfinished" if states else "overview-request-waiting")


def request_row(request: Request, runs: dict[str, RunHandle]) -> None:
    """Show one request with its state and a link that launches a run."""
    with st.container(border=True):
        st.markdown(
            t(
                "overview-request",
                request=code(request.id),
                scope=scope(request),
                date=escape(date(request.created)),
                state=capital(request_state(request, runs)),
            )
        )
        users = ", ".join(code(user) for user in request.subjects[:NAMED])
        more = len(request.subjects) > NAMED
        st.caption(t("overview-request-users-more" if more else "overview-request-users", users=users))
        if request.reason:
            st.caption(t("overview-request-reason", reason=escape(request.reason[:300])))
        if batch := batches.holding_batch(request.id):
            st.caption(t("batch-holds", batch=code(batch.id)))
        else:
            link("run", t("overview-request-launch"), "play_circle", request=request.id)


def next_step(requests: tuple[Request, ...], runs: dict[str, RunHandle]) -> None:
    """Show the next step as a sentence and a link."""
    live = next((run for run in runs.values() if run.status.state in LIVE), None)
    started = {run.spec.request for run in runs.values()}
    waiting = next((one for one in requests if one.id not in started and not batches.holding_batch(one.id)), None)
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if live:
            left = duration(live.status.eta)
            st.markdown(t("overview-next-live", request=code(live.spec.request), left=left))
            link("run", t("overview-next-live-link"), run=live.id)
        elif waiting:
            st.markdown(t("overview-next-waiting", request=code(waiting.id)))
            link("run", t("overview-next-waiting-link"), request=waiting.id)
        else:
            st.markdown(t("overview-next-decide" if requests else "overview-next-first"))
            link("request", t("overview-next-link"))


def run_row(run: RunHandle) -> None:
    """Show one run with its state, its result in a sentence and a link."""
    with st.container(border=True):
        st.markdown(about(run))
        st.caption(_result(run))
        link("run", t("overview-run-open"), run=run.id)


def _result(run: RunHandle) -> str:
    status, summary = run.status, queries.summary(run)
    if summary and status.state is RunState.DONE:
        return summary.headline
    if status.state in LIVE:
        return t("overview-run-live", progress=f"{status.progress:.0%}", left=duration(status.eta))
    return escape(status.message) or t("overview-run-nothing")


def request_table(requests: tuple[Request, ...], runs: dict[str, RunHandle]) -> pd.DataFrame:
    """Return the table of all requests, to export."""
    rows = [
        (row.id, ", ".join(row.subjects), scope(row), row.reason, row.created, request_state(row, runs))
        for row in requests
    ]
    columns = [
        t("overview-request-column"),
        t("overview-users-column"),
        t("overview-covers-column"),
        t("overview-reason-column"),
        t("overview-opened-column"),
        t("overview-state-column"),
    ]
    return pd.DataFrame(rows, columns=columns)


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
