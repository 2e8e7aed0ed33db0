"""Requests and runs as rows that stay readable on a narrow screen."""

import pandas as pd
import streamlit as st

from core.types import Request, RunState
from dashboard.components.text import about, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import LIVE, STATES, capital, code, date, duration, escape, scope
from dashboard.services import queries
from dashboard.services.queries import RunFolder

SHOWN, NAMED = 6, 8


def request_state(request: Request, runs: dict[str, RunFolder]) -> str:
    """Where a request stands, from its runs."""
    states = [run.status.state for run in runs.values() if run.spec.request == request.id]
    if RunState.DONE in states:
        return t("overview-request-done")
    if any(state in LIVE for state in states):
        return t("overview-request-live")
    return t("overview-request-unfinished" if states else "overview-request-waiting")


def request_row(request: Request, runs: dict[str, RunFolder]) -> None:
    """One request with its state and the way to its run."""
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
        people = ", ".join(code(user) for user in request.subjects[:NAMED])
        more = len(request.subjects) > NAMED
        st.caption(t("overview-request-people-more" if more else "overview-request-people", people=people))
        if request.reason:
            st.caption(t("overview-request-reason", reason=escape(request.reason[:300])))
        link("run", t("overview-request-launch"), "play_circle", request=request.id)


def next_step(requests: tuple[Request, ...], runs: dict[str, RunFolder]) -> None:
    """The one thing to do next, as a sentence and its page."""
    live = next((run for run in runs.values() if run.status.state in LIVE), None)
    waiting = next(
        (request for request in requests if not any(run.spec.request == request.id for run in runs.values())), None
    )
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


def run_row(run: RunFolder) -> None:
    """One run with its state, its result in a sentence, and the way to it."""
    with st.container(border=True):
        st.markdown(about(run))
        st.caption(_result(run))
        link("run", t("overview-run-open"), run=run.id)


def _result(run: RunFolder) -> str:
    status, summary = run.status, queries.summary(run)
    if summary and status.state is RunState.DONE:
        return summary.headline
    if status.state in LIVE:
        return t("overview-run-live", progress=f"{status.progress:.0%}", left=duration(status.eta))
    return escape(status.message) or t("overview-run-nothing")


def request_table(requests: tuple[Request, ...], runs: dict[str, RunFolder]) -> pd.DataFrame:
    """All requests, to export."""
    rows = [(r.id, ", ".join(r.subjects), scope(r), r.reason, r.created, request_state(r, runs)) for r in requests]
    columns = [
        t("overview-request-column"),
        t("overview-people-column"),
        t("overview-covers-column"),
        t("overview-reason-column"),
        t("overview-opened-column"),
        t("overview-state-column"),
    ]
    return pd.DataFrame(rows, columns=columns)


def run_table(runs: dict[str, RunFolder]) -> pd.DataFrame:
    """All runs, to export."""
    found = [(run.spec, run.status) for run in runs.values()]
    rows = [(s.id, s.request, s.method, at.device, s.created, STATES[at.state], at.seconds) for s, at in found]
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
