"""Requests and runs as rows that stay readable on a narrow screen."""

import pandas as pd
import streamlit as st

from core.types import Request, RunState
from dashboard import engine
from dashboard.components.text import about, link
from dashboard.engine import RunFolder
from dashboard.words import LIVE, STATES, code, date, duration, escape, scope

SHOWN = 6


def request_state(request: Request, runs: dict[str, RunFolder]) -> str:
    """Where a request stands, from its runs."""
    states = [run.status.state for run in runs.values() if run.spec.request == request.id]
    if RunState.DONE in states:
        return "unlearned, ready to check"
    if any(state in LIVE for state in states):
        return "a run is working"
    return "no run has finished yet" if states else "waits for its first run"


def request_row(request: Request, runs: dict[str, RunFolder]) -> None:
    """One request with its state and the way to its run."""
    with st.container(border=True):
        st.markdown(
            f"{code(request.id)} asks to erase {scope(request)}, opened {escape(date(request.created))}. **{request_state(request, runs).capitalize()}.**"
        )
        st.caption(
            f"People: {', '.join(code(user) for user in request.subjects[:8])}{' and more' if len(request.subjects) > 8 else ''}"
        )
        if request.reason:
            st.caption(f"Reason: {escape(request.reason[:300])}")
        link("run", "Launch a run for it", "play_circle", request=request.id)


def next_step(requests: tuple[Request, ...], runs: dict[str, RunFolder]) -> None:
    """The one thing to do next, as a sentence and its page."""
    live = next((run for run in runs.values() if run.status.state in LIVE), None)
    waiting = next(
        (request for request in requests if not any(run.spec.request == request.id for run in runs.values())), None
    )
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if live:
            st.markdown(
                f"**Next:** a run is working for {code(live.spec.request)}, about {duration(live.status.eta)} left."
            )
            link("run", "Watch it", run=live.id)
        elif waiting:
            st.markdown(f"**Next:** request {code(waiting.id)} waits for its first run.")
            link("run", "Launch it", request=waiting.id)
        else:
            st.markdown(
                f"**Next:** {'read the report and decide, or open another request' if requests else 'open the first request'}."
            )
            link("request", "Open a request")


def run_row(run: RunFolder) -> None:
    """One run with its state, its result in a sentence, and the way to it."""
    with st.container(border=True):
        st.markdown(about(run))
        st.caption(_result(run))
        link("run", "Open this run", run=run.id)


def _result(run: RunFolder) -> str:
    status, summary = run.status, engine.summary(run)
    if summary and status.state is RunState.DONE:
        return summary.headline
    if status.state in LIVE:
        return f"{status.progress:.0%} done, about {duration(status.eta)} left."
    return escape(status.message) or "It gave no result."


def request_table(requests: tuple[Request, ...], runs: dict[str, RunFolder]) -> pd.DataFrame:
    rows = [(r.id, ", ".join(r.subjects), scope(r), r.reason, r.created, request_state(r, runs)) for r in requests]
    return pd.DataFrame(rows, columns=["Request", "People", "Covers", "Reason", "Opened", "State"])


def run_table(runs: dict[str, RunFolder]) -> pd.DataFrame:
    found = [(run.spec, run.status) for run in runs.values()]
    rows = [(s.id, s.request, s.method, at.device, s.created, STATES[at.state][0], at.seconds) for s, at in found]
    return pd.DataFrame(rows, columns=["Run", "Request", "Method", "Device", "Created", "State", "Seconds"])
