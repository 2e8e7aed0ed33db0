"""Retrained references of a request: how many are ready, a button that trains the missing ones, and their progress."""

import streamlit as st

from core.types import LIVE, ReferenceTraining, RunState
from dashboard.components.device import device_choice
from dashboard.components.text import guarded, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import duration, escape
from dashboard.services import references
from dashboard.session import state

MOST = 40  # no verdict asks for more
UNFINISHED = {RunState.CANCELLED: st.info, RunState.FAILED: st.error, RunState.LOST: st.error}
NO_ESTIMATE = ("", 0, 0.0)


def reference_box(request_id: str, leads_to_run: bool = False) -> None:
    """Draw what is ready, the progress of a training at work, or the form that starts one.

    Args:
        request_id: An open request.
        leads_to_run: Whether to link to the launch form once references are ready.
    """
    with st.container(border=True):
        ready, needed = references.ready(request_id), references.needed(request_id)
        st.markdown(_lead(ready, needed))
        training = references.training(request_id)
        if training and training.state in LIVE:
            st.fragment(_watch, run_every=1)(request_id, training.state)
            return
        if training:
            _stopped(training, ready)
        if leads_to_run and ready:
            link("run", t("references-next"), "play_circle", request=request_id)
        if not references.may_train(request_id):
            return
        if ready < needed:
            _form(request_id, ready, needed)
        else:
            with st.expander(t("references-more"), icon=":material/model_training:"):
                _form(request_id, ready, needed)


def _lead(ready: int, needed: int) -> str:
    name = "references-ready" if ready >= needed else "references-some" if ready else "references-none"
    return f"{t(name, ready=ready, needed=needed)} {t('references-why')}"


def _stopped(training: ReferenceTraining, ready: int) -> None:
    """Say why the last training did not finish. One that did shows in the count of references."""
    if training.state in UNFINISHED:
        text = t(f"references-{training.state}", ready=ready, why=escape(training.message))
        UNFINISHED[training.state](text, icon=":material/info:")


def _watch(request_id: str, drawn: RunState) -> None:
    """Show the progress, and redraw the page when the training ends or begins."""
    with guarded():
        training = references.training(request_id)
        if training is None or training.state is not drawn:
            st.rerun()
        ready = references.ready(request_id)
        st.progress(min(1.0, max(0.0, training.progress)), _bar(training, ready))
        st.caption(t("references-leave"))
        if references.is_stopping(request_id):
            st.caption(t("references-stopping"))
        elif references.may_train(request_id) and st.button(
            t("references-stop"), icon=":material/stop_circle:", key="stop_references", help=t("references-stop-help")
        ):
            references.stop(request_id)
            st.rerun()


def _bar(training: ReferenceTraining, ready: int) -> str:
    """Return the text of the progress bar."""
    if training.state is RunState.QUEUED:
        return t("references-waiting" if training.seconds else "references-starting")
    done = f"{training.progress:.0%}"
    number = min(ready + 1, training.wanted)
    if training.eta is None:
        return t("references-loading", number=number, wanted=training.wanted)
    return t("references-left", number=number, wanted=training.wanted, done=done, left=duration(training.eta))


def _form(request_id: str, ready: int, needed: int) -> None:
    """Draw the form that starts a training."""
    left, right = st.columns(2)
    wanted = int(
        left.number_input(
            t("references-count"),
            ready + 1,
            max(MOST, ready + 1),
            max(needed, ready + 1),
            key=f"references_{request_id}_{ready}",
            help=t("references-count-help", needed=needed),
        )
    )
    device = device_choice(right, "references_device", t("references-device-help"))
    with st.container(horizontal=True):
        if st.button(t("references-train", count=wanted - ready), icon=":material/model_training:", key="train"):
            with guarded():
                references.train(request_id, wanted, device)
                st.rerun()
        pressed = st.button(t("references-estimate"), icon=":material/speed:", key="estimate_references")
    _estimate(request_id, wanted, device, pressed)


def _estimate(request_id: str, wanted: int, device: str, pressed: bool) -> None:
    """Show how long the missing references take, if the user asked for this plan."""
    plan = (f"{request_id} {device}", wanted)
    if pressed:
        state.keep("reference_estimate", NO_ESTIMATE)  # if the new estimate fails, the old one must not stay
        with guarded(), st.spinner(t("run-form-estimating")):
            state.keep("reference_estimate", (*plan, references.seconds(request_id, wanted, device)))
    *estimated, seconds = state.kept("reference_estimate", NO_ESTIMATE)
    if tuple(estimated) == plan:
        st.caption(t("references-needs", time=duration(seconds)))
