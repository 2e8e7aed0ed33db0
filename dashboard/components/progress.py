"""A run as it works: stages, progress, losses. Only reads the run folder."""

import streamlit as st

from core.types import ENDED, Act, RunState, RunStatus
from dashboard import charts
from dashboard.components import exports
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import LIVE, STAGES, capital, duration, escape, stages
from dashboard.services import commands, queries, review
from dashboard.services.queries import RunFolder


def progress(run: RunFolder) -> None:
    """Stages, bar, message, figures and losses of a run at this moment."""
    status, events = run.status, run.events()
    steps = [event for event in events if event.get("kind") == "step"]
    _stages(status, stages(queries.grouped(run)))
    if status.state in LIVE:
        st.progress(min(1.0, max(0.0, status.progress)), _bar(run, status))
        _stop(run)
    if status.message:
        {RunState.FAILED: st.error, RunState.LOST: st.error}.get(status.state, st.info)(escape(status.message))
    if status.state in (RunState.FAILED, RunState.LOST) and review.may(Act.RUN):
        _go_on(run)
    if steps:
        _figures(steps[-1], status)
        if chart := charts.losses(events):
            exports.chart(chart, f"{run.id}-losses", t("run-losses-alt"), key="losses")
            st.caption(t("run-losses-note"))
        if status.state not in LIVE and (quarrel := charts.conflict(events)):
            with st.expander(t("run-conflict"), icon=":material/call_split:"):
                exports.chart(quarrel, f"{run.id}-conflict", t("run-conflict-alt"), key="conflict")
                st.caption(t("run-conflict-note"))


def _bar(run: RunFolder, status: RunStatus) -> str:
    """What the progress bar says."""
    if status.state is RunState.QUEUED:
        return _waiting(run)
    stage = capital(STAGES.get(status.stage) or escape(status.stage) or t("run-progress-starting"))
    progress = f"{status.progress:.0%}"
    if status.eta is None:
        return t("run-progress", stage=stage, progress=progress)
    return t("run-progress-left", stage=stage, progress=progress, left=duration(status.eta))


def _waiting(run: RunFolder) -> str:
    """Whom a queued run waits for."""
    found = queries.queue(run)
    if not found.runs and run.status.worker is None and run.spec.launcher == "local":
        return t("run-progress-starting")  # its process has not come so far that it could wait
    if not found.runs or found.seconds is None:
        return t("run-queue", runs=found.runs)
    return t("run-queue-left", runs=found.runs, left=duration(found.seconds))


def _stages(status: RunStatus, names: tuple[str, ...]) -> None:
    """The way of a run, with what is done, what works now, and what is to come."""
    here = names.index(status.stage) if status.stage in names else -1
    finished = status.state is RunState.DONE
    with st.container(horizontal=True, gap="small"):
        for index, name in enumerate(names):
            stage = STAGES[name]
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
        st.caption(t("run-stop-asked"))
    elif review.may(Act.RUN) and st.button(
        t("run-stop"), icon=":material/stop_circle:", key="stop", help=t("run-stop-help")
    ):
        with guarded():  # it may have ended since it was drawn
            commands.stop(run)
            st.rerun()


def _go_on(run: RunFolder) -> None:
    """What can be done for a run that did not reach its end."""
    with st.container(horizontal=True):
        if st.button(
            t("run-resume"), icon=":material/resume:", type="primary", key="resume", help=t("run-resume-help")
        ):
            with guarded():
                commands.resume(run)
                st.rerun()
        if st.button(t("run-give-up"), icon=":material/delete:", key="give_up", help=t("run-give-up-help")):
            with guarded():
                commands.stop(run)
                st.rerun()


def _figures(step: dict, status: RunStatus) -> None:
    """The last step as a line of figures."""
    ended, conflict, seconds = status.state in ENDED, step.get("conflict"), status.seconds
    words = [
        t("run-figures-step", step=step["step"], steps=step["steps"]),
        t("run-figures-conflict", share=f"{conflict:.0%}") if conflict is not None else "",
        t("run-figures-device", device=status.device, precision=status.dtype) if status.device else "",
        t("run-figures-memory", memory=f"{status.memory / 1e9:.1f}") if status.memory else "",
        t("run-figures-pace", tokens=f"{status.pace:,.0f}") if status.state in LIVE and status.pace else "",
        t("run-figures-in-all", seconds=round(seconds)) if ended else t("run-figures-so-far", time=duration(seconds)),
    ]
    st.caption(" · ".join(word for word in words if word))
