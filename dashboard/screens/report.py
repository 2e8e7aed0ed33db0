"""Report page: the result in plain sentences, where the data still exists, and the report file."""

from functools import partial

import streamlit as st

from core.report.bundle import add_sections
from core.types import LIVE
from core.utils.commands import command_line
from dashboard.components.explorer import explorer_page
from dashboard.components.frames import sandboxed
from dashboard.components.sidebar import shown_run
from dashboard.components.text import about, empty, lead
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import circuit_sentence, code, escape, forgotten_users, membership, utility
from dashboard.services import drawings, queries
from dashboard.services.queries import RunHandle

run = shown_run()
if run is None:
    st.stop()
summary, evaluation, groups, workspace = (
    queries.summary(run),
    queries.evaluation(run),
    queries.groups(run),
    queries.workspace(),
)
if summary is None or evaluation is None:
    if run.status.state in LIVE:
        lead(t("report-none"), about(run))
        empty(t("report-none-why"), "run", t("watch-run"))
    else:
        lead(t("report-none-ended"), about(run))
        empty(t("report-none-ended-why"), "run", t("report-none-ended-link"))
    st.stop()

lead(summary.headline, about(run))
left, right = st.columns([3, 2], gap="large")
with left:
    st.subheader(t("report-plain"), anchor=False)
    sentences = [circuit_sentence(groups, forgotten_users(workspace.request(run.spec.request)))] if groups else []
    sentences += [utility(evaluation), membership(evaluation)]
    st.markdown("\n".join(f"- {sentence}" for sentence in (escape(summary.asked), *sentences)))
    st.caption(t("report-plain-note"))
with right:
    st.subheader(t("report-holds"), anchor=False)
    holders = (
        t("report-holds-data", folder=code(str(workspace.layout.data_folder))),
        t("report-holds-adapter", folder=code(str(workspace.adapter))),
        t("report-holds-runs"),
        t("report-holds-copies"),
    )
    st.markdown("\n".join(f"- {holder}" for holder in holders))
    st.caption(t("report-holds-note"))

if run.report is None:
    st.info(t("report-missing"), icon=":material/description:")
    st.stop()
named = run.reviewer_report is not None and st.toggle(
    t("report-named"), key="report_named", help=t("report-named-help")
)
path = run.reviewer_report if named and run.reviewer_report else run.report
html, data = path.read_text(encoding="utf-8"), run.layout.report_numbers


def whole_report(shown_run: RunHandle = run, html: str = html, with_circuit: bool = bool(groups)) -> str:
    """Return the report with the interactive circuit, if there is one; called when the button is pressed."""
    circuit = explorer_page(drawings.scene(shown_run, 0, None)) if with_circuit else ""
    return add_sections(html, shown_run.verification, circuit)


with st.container(horizontal=True):
    st.download_button(
        t("report-save"),
        whole_report,
        f"{run.id}-{'reviewer' if named else 'report'}.html",
        "text/html",
        icon=":material/download:",
        type="primary",
        on_click="ignore",
    )
    if data.is_file():
        st.download_button(
            t("report-save-numbers"),
            data.read_bytes(),
            f"{run.id}-report.json",
            "application/json",
            icon=":material/download:",
            on_click="ignore",
        )
    if workspace.keeps_ledger and run.layout.bundle.is_file():
        st.download_button(
            t("report-save-bundle"),
            partial(queries.bundle, run),
            f"{run.id}-bundle.json.gz",
            "application/gzip",
            icon=":material/verified:",
            on_click="ignore",
            help=t("report-save-bundle-help", command=command_line("recompute", "FILE")),
        )
sandboxed(add_sections(html, run.verification), 900, t("report-frame"))
