"""Run page: launch a run, watch it, stop it; the address opens the run again later."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.report.check_texts import sentence_of
from core.types import LIVE, RunState, Verification
from dashboard.components.device import device_choice
from dashboard.components.evidence import badge
from dashboard.components.progress import progress
from dashboard.components.references import reference_box
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import duration, escape, run_sentence, scope
from dashboard.services import commands, queries, review
from dashboard.services.queries import RunHandle
from dashboard.session import state

NO_ESTIMATE: tuple[tuple[str, str, str] | None, dict[str, Any]] = (None, {})


def method_caption(name: str) -> str:
    """Describe a method, and say which one is recommended and when another is better."""
    method = queries.METHODS[name]
    advice = t("run-form-recommended") if name == queries.DEFAULT_METHOD else method.better_when
    return f"{method.summary} {advice}".strip()


def choose_method() -> str:
    """Draw the chosen method, by default the recommended one, and the choice of another, folded."""
    asked = state.query_value("method")
    index = queries.OFFERED.index(asked) if asked in queries.OFFERED else 0
    shown = st.container()
    with st.expander(t("run-form-other"), expanded=index > 0, icon=":material/tune:"):
        chosen = st.radio(
            t("run-form-method"),
            queries.OFFERED,
            index=index,
            format_func=lambda name: queries.METHODS[name].title,
            captions=[method_caption(name) for name in queries.OFFERED],
            key="method",
            label_visibility="collapsed",
        )
    method = chosen or queries.DEFAULT_METHOD
    title, caption = queries.METHODS[method].title, method_caption(method)
    shown.markdown(f"{t('run-form-method')}: **{title}**. {caption}")
    return method


def form() -> Callable[[], None]:
    """Draw the launch form; return a slow query that the page runs last, when all else is drawn."""
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
    if drift := review.drift_sentence():
        st.caption(drift)
    method = choose_method()
    left, right = st.columns(2)
    device = device_choice(left, "device", t("run-form-device-help"))
    seed = right.number_input(
        t("run-form-seed"),
        0,
        9999,
        0,
        key="seed",
        help=t("run-form-seed-help"),
    )
    launcher, capacity = choose_launcher()
    if chosen:
        reference_box(chosen)
    plan = (chosen or "", method, device)
    with st.container(horizontal=True):
        if st.button(t("run-form-launch"), type="primary", icon=":material/play_circle:"):
            with guarded():
                name = commands.launch(*plan, int(seed), launcher=launcher)
                st.switch_page("screens/run.py", query_params={"run": name})
        pressed = launcher == "local" and st.button(
            t("run-form-estimate"), icon=":material/speed:", help=t("run-form-estimate-help")
        )
    if launcher == "local":
        estimate(plan, bool(pressed))
    return partial(show_capacity, capacity, launcher)


def estimate(plan: tuple[str, str, str], pressed: bool) -> None:
    """Show the time and memory that a run would need, if the user has asked for this plan.

    Args:
        plan: Request, method and device of the form.
        pressed: Whether the button was pressed in this rerun.
    """
    if pressed:
        state.keep("estimate", NO_ESTIMATE)  # if the new estimate fails, the old one must not stay
        with guarded(), st.spinner(t("run-form-estimating")):
            state.keep("estimate", (plan, queries.estimate(*plan)))
    estimated, needs = state.kept("estimate", NO_ESTIMATE)
    if estimated == plan:
        memory, free = (f"{needs[name] / 1e9:.1f}" for name in ("memory", "free"))
        st.caption(t("run-form-needs", time=duration(needs["seconds"]), runs=needs["runs"], memory=memory, free=free))
        if not needs["fits"]:
            st.warning(t("run-form-too-large"), icon=":material/memory:")


def show_capacity(placeholder: DeltaGenerator, launcher: str) -> None:
    """Show the free capacity of a launcher; the first query takes a moment."""
    placeholder.caption(t("run-form-free", launcher=launcher, free=escape(queries.free_resources(launcher))))


def choose_launcher() -> tuple[str, DeltaGenerator]:
    """Let the user choose this machine or a cluster; return it with a placeholder for its free capacity."""
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


def open_form() -> Callable[[], None]:
    """Draw the launch form in an expander; return its slow query."""
    with st.expander(t("run-form"), icon=":material/play_circle:"):
        return form()


def watch(run: RunHandle, drawn: RunState) -> None:
    """Show the progress of a run, and redraw the page when the state differs from the one drawn."""
    with guarded():
        progress(run)
        redraw_on_change(run, drawn)


def redraw_on_change(run: RunHandle, drawn: RunState) -> None:
    """Redraw the page when the state changes: another session may resume a lost run or give it up."""
    if run.status.state is not drawn:
        st.rerun()


def verdict_line(found: Verification | None) -> str:
    """Tell the verdict of the run, or that it has none yet, as Markdown."""
    return f"{badge(found.verdict)} {escape(sentence_of(found))}" if found else t("run-unverified")


def launched_for() -> str:
    """Return the request that the address launches a run for; "" where it names a run, or no request and no method."""
    names = [request.id for request in queries.workspace().requests()]
    asked = state.query_value("request")
    if state.query_value("run") or not names or not (asked in names if asked else state.query_value("method")):
        return ""
    return state.current("request", names, names[0]) or ""


if request := launched_for():
    lead(t("run-form-lead", request=escape(request)))
    form()()
    st.stop()
run = shown_run()
if run is None:
    lead(t("run-none"), t("run-none-note"))
    form()()
    st.stop()
status = run.status
lead(run_sentence(status, run.spec.is_external), about(run))
if status.state is RunState.DONE:
    st.markdown(verdict_line(queries.verification(run)))
    with st.container(horizontal=True):
        link("review", t("run-review"), "gavel", run=run.id)
        link("before_after", t("run-compare"), "compare_arrows", run=run.id)
        link("report", t("run-report"), "description", run=run.id)
if status.state in LIVE:
    st.fragment(watch, run_every=1)(run, status.state)
    st.caption(t("run-leave"))
else:
    progress(run)
    if status.state in (RunState.FAILED, RunState.LOST):
        st.fragment(redraw_on_change, run_every=1)(run, status.state)
open_form()()
