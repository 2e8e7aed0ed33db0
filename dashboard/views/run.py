"""Run: launch one, watch it work, stop it; leave the page and come back by its link."""

import shlex

import streamlit as st

from core.types import RunState
from dashboard import engine, state
from dashboard.components.progress import progress
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, guarded, lead, link
from dashboard.engine import RunFolder
from dashboard.words import LIVE, run_sentence, scope

DEVICES = {"auto": "Choose for me", "cpu": "Processor (CPU)", "cuda": "Graphics card (CUDA)"}


def form() -> None:
    """Choose request, method and device, and launch."""
    requests = {request.id: request for request in engine.workspace().requests()}
    if not requests:
        empty("A run needs a request.", "request", "Open a request")
        return
    chosen = state.pick(
        "Request",
        "request",
        list(requests),
        next(iter(requests)),
        shown=lambda name: f"{name}: {scope(requests[name])}",
    )
    method = st.radio(
        "Method",
        list(engine.METHODS),
        format_func=lambda name: engine.METHODS[name].title,
        captions=[one.summary for one in engine.METHODS.values()],
        key="method",
    )
    left, right = st.columns(2)
    device = left.segmented_control(
        "Device",
        list(DEVICES),
        default="auto",
        required=True,
        format_func=DEVICES.__getitem__,
        key="device",
        help="Where the run computes. A graphics card is faster.",
    )
    seed = right.number_input(
        "Seed",
        0,
        9999,
        0,
        key="seed",
        help="Runs with the same seed on the same machine give the same result. Leave it at 0 if unsure.",
    )
    references(chosen)
    if st.button("Launch the run", type="primary", icon=":material/play_circle:"):
        with guarded():
            name = engine.launch(chosen or "", method or "cure", device or "auto", int(seed))
            st.switch_page("views/run.py", query_params={"run": name})


def references(request: str | None) -> None:
    """Say whether the result can be compared with a model that never saw the data."""
    ready = len(engine.workspace().reference_folders(request)) if request else 0
    if ready:
        st.caption(f"{ready} reference models that never saw this data are ready for the comparison.")
    elif request:
        st.warning(
            "No reference model is ready for this request, so the result cannot be compared with one. Make some first, on the command line:",
            icon=":material/info:",
        )
        place = shlex.quote(str(engine.workspace().root))
        st.code(
            f"python -m core reference --workspace {place} --request {shlex.quote(request)} --seeds 3",
            language=None,
            wrap_lines=True,
        )


def watch(run: RunFolder, drawn: RunState) -> None:
    """The run as it stands; once its state is another than the page was drawn with, the page is drawn anew."""
    with guarded():
        progress(run)
        if run.status.state is not drawn:
            st.rerun()


run = shown_run()
if run is None:
    lead(
        "No run has been launched yet.",
        "A run finds the parts that carry the data, takes it out, checks the result and writes a report.",
    )
    form()
    st.stop()
status = run.status
lead(run_sentence(status), about(run))
with st.expander("Launch a new run", icon=":material/play_circle:", expanded=state.asked("request") is not None):
    form()
if status.state in LIVE:
    st.fragment(watch, run_every=1)(run, status.state)
    st.caption("You can leave this page: the run goes on, and this address finds it again.")
else:
    progress(run)
if status.state is RunState.DONE:
    with st.container(horizontal=True):
        link("before_after", "Compare before and after", "compare_arrows", run=run.id)
        link("report", "Read the report", "description", run=run.id)
