"""Text blocks of all pages: lead, errors, links, empty states, group legend and glossary."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import CureLensError
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GLOSSARY, GROUP_NAMES, GROUP_WORDS, STATES, code, escape
from dashboard.presenters.theme import BADGES, MARKS
from dashboard.services import queries
from dashboard.services.queries import RunHandle
from dashboard.session import state


@contextmanager
def guarded() -> Iterator[None]:
    """Show the message of a CureLensError, which the reader can mend, in place of a traceback."""
    try:
        yield
    except CureLensError as error:
        st.error(escape(str(error)), icon=":material/error:")


def lead(sentence: str, note: str = "") -> None:
    """Draw the first lines of a page.

    Args:
        sentence: Title of the page.
        note: One line below it, as Markdown; values in it must be escaped.
    """
    st.title(sentence, anchor=False)
    if note:
        st.markdown(note)
    if notice := state.take_notice():
        st.success(notice, icon=":material/check:")


def about(run: RunHandle) -> str:
    """Describe the run that a page shows, as one line of Markdown."""
    spec, status = run.spec, run.status
    method = queries.method_title(spec)
    icon, colour = BADGES[status.state]
    badge = f":{colour}-badge[:material/{icon}: {STATES[status.state]}]"
    sentence = t("about-run", state=badge, run=code(spec.id), request=code(spec.request), method=escape(method))
    edit = spec.edit
    edited = edit and t("groups-edited", low=f"{edit.low:g}", high=f"{edit.high:g}", moves=len(edit.moves))
    return f"{sentence} {edited}" if edited else sentence


def link(page: str, label: str, icon: str = "arrow_forward", **query: str) -> None:
    """Draw a link to another page with its query parameters."""
    st.page_link(f"screens/{page}.py", label=label, icon=f":material/{icon}:", query_params=query or None)


def empty(sentence: str, page: str, label: str) -> None:
    """Draw an empty state: the sentence, and a link to the page that provides what is missing."""
    with st.container(border=True):
        st.markdown(sentence)
        link(page, label)


def group_legend() -> None:
    """Draw the groups with their colour and shape."""
    rows = (
        t("group-legend", mark=MARKS[group], group=GROUP_NAMES[group], serves=serves)
        for group, serves in GROUP_WORDS.items()
    )
    st.markdown("&emsp;".join(rows))


def glossary() -> None:
    """Draw the glossary of all terms."""
    with st.expander(t("legend"), icon=":material/menu_book:"):
        rows = (t("legend-row", word=word, meaning=meaning) for word, meaning in GLOSSARY.values())
        st.markdown("\n".join(f"- {row}" for row in rows))
