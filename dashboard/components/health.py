"""Workspace health and what changed since the last visit, on the overview."""

import streamlit as st

from core.utils.commands import command_line
from dashboard.components.history import entry_sentence, to_the_minute
from dashboard.components.text import link
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, escape
from dashboard.services import health, queries

SHOWN = 6  # events in the list
GB = 1e9


def changes() -> None:
    """List what the ledger took since the last visit of whoever looks, or the latest entries on the first visit."""
    since = health.last_visit()
    events = health.events(since)
    title = t("changes-since", time=to_the_minute(since)) if since else t("changes-latest")
    st.subheader(title, anchor=False, help=t("changes-help"))
    if not events:
        st.caption(t("changes-none"))
        return
    lines = [f"- {escape(to_the_minute(one['content']['time']))}: {entry_sentence(one)}" for one in events[:SHOWN]]
    st.markdown("\n".join(lines))
    if len(events) > SHOWN:
        st.caption(t("changes-more", count=len(events) - SHOWN))


def workspace_health() -> None:
    """Draw the health of the workspace: a line for each of its parts, with the next step where there is a problem."""
    st.subheader(t("health-title"), anchor=False)
    found = health.health()
    with st.container(border=True):
        _base(found)
        _references(found)
        _ledger(found)
        _drift(found)
        left, needed = f"{found.free_bytes / GB:.1f}", f"{found.bytes_needed / GB:.0f}"
        _line(found.free_bytes >= found.bytes_needed, t("health-disk", left=left, needed=needed), t("health-disk-next"))


def _line(ok: bool, sentence: str, step: str) -> None:
    """Draw one line: a word, the sentence with its number, and the next step where there is a problem."""
    badge = t("health-ok") if ok else t("health-act")
    icon, colour = ("check", "green") if ok else ("error", "red")
    st.markdown(f":{colour}-badge[:material/{icon}: {badge}] {sentence}{'' if ok else f' {step}'}")


def _base(found: health.Health) -> None:
    """Draw whether a known base is on this machine; a workspace with any other base holds its folder."""
    if base := found.base:
        sentence = t("health-base" if base.is_here else "health-base-absent", title=base.title)
        size = f"{base.size / 1e6:.0f}"
        _line(base.is_here, sentence, t("health-base-next", size=size, command=code(base.fetch)))


def _references(found: health.Health) -> None:
    missing = found.without_references
    sentence = t(
        "health-references", ready=found.requests - len(missing), all=found.requests, references=found.references
    )
    place = ("--workspace", str(queries.workspace().root))
    command = command_line("reference", *place, "--request", missing[0]) if missing else ""
    _line(not missing, sentence, t("health-references-next", command=code(command)))


def _ledger(found: health.Health) -> None:
    if found.ledger_flaw:
        _line(False, t("health-ledger-damaged", why=escape(found.ledger_flaw)), t("health-ledger-damaged-next"))
    elif found.entries is None:
        _line(False, t("health-ledger-none"), t("health-ledger-none-next"))
    else:
        _line(True, t("health-ledger", entries=found.entries), "")


def _drift(found: health.Health) -> None:
    fall, budget = found.drift.test_auc_fall, found.drift_budget
    sentence = t("health-drift", used=f"{max(fall, 0.0):.3f}", budget=f"{budget:.3f}", count=found.drift.deletions)
    _line(fall <= budget, sentence, t("health-drift-next"))
    if fall > budget:
        link("run", t("option-retrain"), "play_circle", method="retrain")
