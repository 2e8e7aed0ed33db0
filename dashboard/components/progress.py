"""A run as it works: stages, progress, losses. Only reads the run folder."""

import streamlit as st

from core.types import RunState, RunStatus
from dashboard import charts, engine
from dashboard.engine import RunFolder
from dashboard.words import LIVE, capital, count, duration, escape, stages


def progress(run: RunFolder) -> None:
    """Stages, bar, message, figures and losses of a run at this moment."""
    status, events = run.status, run.events()
    steps = [event for event in events if event.get("kind") == "step"]
    _stages(status, stages(engine.grouped(run)))
    if status.state in LIVE:
        text = f"{capital(status.stage) or 'Waiting'}: {status.progress:.0%}"
        st.progress(
            min(1.0, max(0.0, status.progress)),
            text + (f", about {duration(status.eta)} left" if status.eta is not None else ""),
        )
        _stop(run)
    if status.message:
        {RunState.FAILED: st.error, RunState.LOST: st.error}.get(status.state, st.info)(escape(status.message))
    if steps:
        _figures(steps[-1], status)
        if chart := charts.losses(events):
            st.altair_chart(
                chart,
                alt="Loss on the forgotten data, on everyone else and on strangers, per step of the unlearning",
                key="losses",
            )
            st.caption(
                "Unlearning works when the loss on the forgotten data rises toward that of strangers while everyone else's stays flat."
            )


def _stages(status: RunStatus, names: tuple[str, ...]) -> None:
    """The way of a run, with what is done, what works now, and what is to come."""
    here = names.index(status.stage) if status.stage in names else -1
    finished = status.state is RunState.DONE
    with st.container(horizontal=True, gap="small"):
        for index, stage in enumerate(names):
            if finished or index < here:
                st.badge(stage, icon=":material/check:", color="green")
            elif index == here and status.state in LIVE:
                st.badge(stage, icon=":material/autorenew:", color="blue")
            elif index == here:
                st.badge(stage, icon=":material/block:", color="red")
            else:
                st.badge(stage, color="gray")


def _stop(run: RunFolder) -> None:
    if run.cancel_asked:
        st.caption("Asked to stop; the run ends after this step.")
    else:
        st.button(
            "Stop this run",
            icon=":material/stop_circle:",
            on_click=run.ask_to_cancel,
            key="stop",
            help="Nothing of the original model is changed by a run, stopped or not.",
        )


def _figures(step: dict, status: RunStatus) -> None:
    """The last step as a line of figures."""
    pulled = (
        f"{step['conflict']:.0%} of the shared parts were pulled both ways" if step.get("conflict") is not None else ""
    )
    words = [
        f"Step {step['step']} of {step['steps']}",
        pulled,
        f"on {status.device}, {status.dtype}" if status.device else "",
        f"{duration(status.seconds)} so far"
        if status.state in LIVE
        else f"{count(round(status.seconds), 'second')} in all",
    ]
    st.caption(" · ".join(word for word in words if word))
