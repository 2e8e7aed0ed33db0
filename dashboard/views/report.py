"""Report: the result in plain words, what still holds the data, and the file to hand on."""

import streamlit as st

from dashboard import engine
from dashboard.components.frames import sandboxed
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, lead
from dashboard.words import circuit_sentence, code, escape, membership, people, utility

run = shown_run()
if run is None:
    st.stop()
summary, evaluation, groups, place = engine.summary(run), engine.evaluation(run), engine.groups(run), engine.workspace()
if summary is None or evaluation is None:
    lead("This run has no report yet.", about(run))
    empty("The report is the run's last stage.", "run", "Watch the run")
    st.stop()

lead(summary.headline, about(run))
left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader("In plain words", anchor=False)
    found = [circuit_sentence(groups, people(place.request(run.spec.request)))] if groups else []
    found += [utility(evaluation), membership(evaluation)]
    st.markdown("\n".join(f"- {sentence}" for sentence in (escape(summary.asked), *found)))
    st.caption("The report below says what was done, how it was measured, and what is not known.")
with right:
    st.subheader("What still holds the data", anchor=False)
    st.markdown(
        f"- the workspace's own data, {code(str(place.root / 'data'))}\n"
        f"- the adapter before unlearning, {code(place.path(place.settings.adapter))}\n"
        "- adapters of runs for other requests\n- every backup, log and copy of these"
    )
    st.caption(
        "A run writes a new adapter and changes none of these. The report is evidence for the people who decide."
    )

if run.report is None:
    st.info("The report file is not there.", icon=":material/description:")
    st.stop()
html, data = run.report.read_text(encoding="utf-8"), run.path / "report.json"
with st.container(horizontal=True):
    st.download_button(
        "Save the report (HTML)",
        html,
        f"{run.id}-report.html",
        "text/html",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )
    if data.is_file():
        st.download_button(
            "Save the numbers (JSON)",
            data.read_bytes(),
            f"{run.id}-report.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
sandboxed(html, 900, "The report of this run")
