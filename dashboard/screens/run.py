"""Run: launch one, watch it work, stop it; leave the page and come back by its link."""

import shlex
from collections.abc import Callable
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.types import RunState
from dashboard.components.progress import progress
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.phrases import LIVE, duration, escape, run_sentence, scope
from dashboard.services import commands, queries
from dashboard.services.queries import RunFolder
from dashboard.session import state

DEVICES = Texts({"auto": "run-form-device-auto", "cpu": "run-form-device-cpu", "cuda": "run-form-device-cuda"})


def form() -> Callable[[], None]:
    """Choose request, method and device, and launch. Returns what is still to be said once the page is drawn."""
    requests = {request.id: request for request in queries.workspace().requests()}
    if not requests:
        empty(t("run-form-empty"), "request", t("run-form-empty-link"))
        return lambda: None
    chosen = state.pick(
        t("run-form-request"),
        "request",
        list(requests),
        next(iter(requests)),
        shown=lambda name: t("run-form-request-scope", request=name, scope=scope(requests[name])),
    )
    method = st.radio(
        t("run-form-method"),
        list(queries.OFFERED),
        format_func=lambda name: queries.METHODS[name].title,
        captions=[queries.METHODS[name].summary for name in queries.OFFERED],
        key="method",
    )
    left, right = st.columns(2)
    device = left.segmented_control(
        t("run-form-device"),
        list(DEVICES),
        default="auto",
        required=True,
        format_func=DEVICES.__getitem__,
        key="device",
        help=t("run-form-device-help"),
    )
    seed = right.number_input(
        t("run-form-seed"),
        0,
        9999,
        0,
        key="seed",
        help=t("run-form-seed-help"),
    )
    launcher, spare = where()
    references(chosen)
    wish = (chosen or "", method or "cure", device or "auto")
    with st.container(horizontal=True):
        if st.button(t("run-form-launch"), type="primary", icon=":material/play_circle:"):
            with guarded():
                name = commands.launch(*wish, int(seed), launcher=launcher)
                st.switch_page("screens/run.py", query_params={"run": name})
        asked = launcher == "local" and st.button(
            t("run-form-estimate"), icon=":material/speed:", help=t("run-form-estimate-help")
        )
    if launcher == "local":
        needs(wish, bool(asked))
    return partial(free, spare, launcher)


def needs(wish: tuple[str, str, str], asked: bool) -> None:
    """How long a run would take and how much memory, where somebody asked for just this one."""
    if asked:
        state.keep("estimate", (None, {}))  # where this one fails, the one before is not to stand for it
        with guarded(), st.spinner(t("run-form-estimating")):
            state.keep("estimate", (wish, queries.estimate(*wish)))
    told, found = state.kept("estimate", (None, {}))
    if told == wish:
        memory, spare = (f"{found[name] / 1e9:.1f}" for name in ("memory", "free"))
        st.caption(t("run-form-needs", time=duration(found["seconds"]), memory=memory, free=spare))
        if not found["fits"]:
            st.warning(t("run-form-too-large"), icon=":material/memory:")


def free(place: DeltaGenerator, launcher: str) -> None:
    """What is free where a run would start: asked last, since the first time it takes a moment."""
    place.caption(t("run-form-spare", launcher=launcher, spare=escape(queries.spare(launcher))))


def where() -> tuple[str, DeltaGenerator]:
    """Choose between this machine and the workspace's clusters, where it has any; and a place to say what is free there."""
    names = queries.launchers()
    chosen = names[0]
    if len(names) > 1:
        chosen = st.segmented_control(
            t("run-form-launcher"),
            names,
            default=chosen,
            required=True,
            format_func=lambda name: t("run-form-launcher-local") if name == "local" else name.capitalize(),
            key="launcher",
        )
    return chosen, st.empty()


def references(request: str | None) -> None:
    """Say whether the result can be compared with a model that never saw the data."""
    ready = len(queries.workspace().reference_folders(request)) if request else 0
    if ready:
        st.caption(t("run-form-references", references=ready))
    elif request:
        st.warning(
            t("run-form-no-references"),
            icon=":material/info:",
        )
        place = shlex.quote(str(queries.workspace().root))
        st.code(
            f"python -m core reference --workspace {place} --request {shlex.quote(request)} --seeds 3",
            language=None,
            wrap_lines=True,
        )


def watch(run: RunFolder, drawn: RunState) -> None:
    """The run as it stands; once its state is another than the page was drawn with, the page is drawn anew."""
    with guarded():
        progress(run)
        turned(run, drawn)


def turned(run: RunFolder, drawn: RunState) -> None:
    """The page is drawn anew where the run's state is another: somebody else may go on with a lost one, or give it up."""
    if run.status.state is not drawn:
        st.rerun()


run = shown_run()
if run is None:
    lead(t("run-none"), t("run-none-note"))
    form()()
    st.stop()
status = run.status
lead(run_sentence(status), about(run))
with st.expander(t("run-form"), icon=":material/play_circle:", expanded=state.asked("request") is not None):
    late = form()
if status.state in LIVE:
    st.fragment(watch, run_every=1)(run, status.state)
    st.caption(t("run-leave"))
else:
    progress(run)
    if status.state in (RunState.FAILED, RunState.LOST):
        st.fragment(turned, run_every=1)(run, status.state)
if status.state is RunState.DONE:
    with st.container(horizontal=True):
        link("before_after", t("run-compare"), "compare_arrows", run=run.id)
        link("report", t("run-report"), "description", run=run.id)
late()
