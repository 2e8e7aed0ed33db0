"""Progress of a run: stages, progress bar, figures and losses; only reads the run folder."""

from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core.types import ENDED, LIVE, Action, RunState, RunStatus
from dashboard import charts
from dashboard.components import exports
from dashboard.components.text import guarded
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import STAGES, duration, escape, stages
from dashboard.presenters.run_progress import doing, gpu_text, progress_text
from dashboard.services import commands, queries, review
from dashboard.services.queries import RunHandle


def progress(run: RunHandle) -> None:
    """Show the stages, progress bar, message, figures and losses of a run at this moment."""
    status, events = run.status, run.events()
    steps = [event for event in events if event.get("kind") == "step"]
    _stages(status, stages(queries.needs_circuits(run), run.spec.is_external))
    if status.state is RunState.QUEUED and (fault := queries.dispatcher_fault(run)):
        st.error(escape(fault))
    if status.state in LIVE:
        st.progress(min(1.0, max(0.0, status.progress)), _bar(run, status))
        if now := doing(status, queries.retrains(run)):
            st.markdown(now)
        _stop(run)
    if status.message:
        {RunState.FAILED: st.error, RunState.LOST: st.error}.get(status.state, st.info)(escape(status.message))
    if status.state in (RunState.FAILED, RunState.LOST) and review.may(Action.RUN):
        _recovery(run)
    if steps:
        _figures(steps[-1], status)
        if chart := charts.losses(events):
            with st.container(key="loss_curve"):
                again = queries.retrains(run)
                alt = t("run-losses-retraining-alt" if again else "run-losses-alt")
                exports.chart(chart, f"{run.id}-losses", alt, key="losses")
                st.caption(t("run-losses-retraining-note" if again else "run-losses-note"))
        if status.state not in LIVE and (conflict := charts.conflict(events)):
            with st.expander(t("run-conflict"), icon=":material/call_split:"):
                exports.chart(conflict, f"{run.id}-conflict", t("run-conflict-alt"), key="conflict")
                st.caption(t("run-conflict-note"))


def _bar(run: RunHandle, status: RunStatus) -> str:
    """Return the text of the progress bar."""
    if status.state is RunState.QUEUED:
        return _waiting(run)
    return progress_text(status, datetime.now(UTC))


def _waiting(run: RunHandle) -> str:
    """Describe the runs that a queued run waits for."""
    queue = queries.queue(run)
    if not queue.runs and run.status.worker and run.spec.launcher == "local":
        return t("run-progress-starting")  # its devices are free, so the dispatcher has started its process
    if not queue.runs or queue.seconds is None:
        return t("run-queue", runs=queue.runs)
    return t("run-queue-left", runs=queue.runs, left=duration(queue.seconds))


def _stages(status: RunStatus, names: tuple[str, ...]) -> None:
    """Show the stages of a run: finished, current and to come."""
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


def _stop(run: RunHandle) -> None:
    if run.cancel_requested:
        st.caption(t("run-stop-requested"))
    elif review.may(Action.RUN) and st.button(
        t("run-stop"), icon=":material/stop_circle:", key="stop", help=t("run-stop-help")
    ):
        with guarded():  # the run may have ended since the page was drawn
            commands.stop(run)
            st.rerun()


def _recovery(run: RunHandle) -> None:
    """Offer to resume or give up a run that did not finish."""
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


def _figures(step: dict[str, Any], status: RunStatus) -> None:
    """Show the last step as a line of figures."""
    ended, conflict, seconds = status.state in ENDED, step.get("conflict"), status.seconds
    figures = [
        t("run-figures-last-step" if ended else "run-figures-step", step=step["step"], steps=step["steps"]),
        t("run-figures-conflict", share=f"{conflict:.0%}") if conflict is not None else "",
        t("run-figures-device", device=status.device, precision=status.dtype) if status.device else "",
        gpu_text(status.gpu) if status.gpu and status.state in LIVE else "",
        t("run-figures-memory", memory=f"{status.peak_bytes / 1e9:.1f}") if status.peak_bytes else "",
        t("run-figures-pace", tokens=f"{status.tokens_per_second:,.0f}")
        if status.state in LIVE and status.tokens_per_second
        else "",
        t("run-figures-in-all", seconds=round(seconds)) if ended else t("run-figures-so-far", time=duration(seconds)),
    ]
    st.caption(" · ".join(figure for figure in figures if figure))
