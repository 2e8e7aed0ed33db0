"""History of a request: the entries of the ledger about it, in sentences, and as a record and CSV to save."""

from functools import partial

import pandas as pd
import streamlit as st

from core.report.answer import make_answer
from core.report.case_record import Entry, render_case_record
from core.types import Verdict
from dashboard.components.evidence import WORDS
from dashboard.components.exports import export
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, date, escape, role_name
from dashboard.services import review


def timeline(request_id: str, received: str, due: str = "") -> None:
    """List the ledger's entries for a request, and offer them as a record, as an answer to the person, and as CSV.

    Args:
        request_id: Id of the request.
        received: When it was opened, ISO 8601.
        due: By when it is to be answered, ISO 8601; "" for a closed one.
    """
    st.subheader(t("review-timeline"), anchor=False, help=t("review-timeline-help"))
    entries = review.timeline(request_id)
    rows = [(entry["content"].get("submitted", entry["content"]["time"]), entry_sentence(entry)) for entry in entries]
    if not rows:
        st.caption(t("review-timeline-empty"))
        return
    st.markdown("\n".join(f"1. {escape(to_the_minute(time))}: {sentence}" for time, sentence in rows))
    frame = pd.DataFrame(rows, columns=[t("review-column-time"), t("review-column-what")])
    with st.container(horizontal=True):
        page = partial(render_case_record, request_id, entries)
        st.download_button(
            t("review-record-save"),
            page,
            f"{request_id}-record.html",
            "text/html",
            icon=":material/draft:",
            on_click="ignore",
            help=t("review-record-help"),
        )
        answer = make_answer(request_id, received, due, entries)
        for suffix, kind, content in (("txt", "text/plain", answer.text), ("html", "text/html", answer.page)):
            st.download_button(
                t(f"review-answer-{suffix}"),
                content,
                f"{request_id}-answer.{suffix}",
                kind,
                icon=":material/mail:",
                on_click="ignore",
                help=t("review-answer-help"),
            )
        export(frame, f"{request_id}-timeline", t("review-timeline-save"))


def to_the_minute(time: str) -> str:
    """Format a time of the ledger (UTC) to the minute."""
    return f"{date(time)}, {time[11:16]} UTC"


def entry_sentence(entry: Entry) -> str:
    """Describe one entry of the ledger in a sentence."""
    kind, content = entry["kind"], entry["content"]
    if kind == "decision":
        made = content["decision"]
        name = "review-approved-by" if made["approve"] else "review-rejected-by"
        person = escape(made["person"]) or t("review-single-person")
        sentence = t(name, person=person, role=role_name(made["role"]), time="").strip()
        return f"{sentence} “{escape(made['reason'])}”" if made.get("reason") else sentence
    run = code(content.get("run", content.get("about", "")))
    if kind in ("submission", "withdrawal", "resumed", "cancelled"):
        person = content["value"] if "value" in content else content["by"]
        return t(f"timeline-{kind}", run=run, person=escape(person) or t("review-single-person"))
    if kind == "verification":
        return t("timeline-verification", run=run, verdict=WORDS[Verdict(content["verdict"])])
    return t(f"timeline-{kind}", run=run) if kind in ("run", "destruction", "overlap") else escape(kind)
