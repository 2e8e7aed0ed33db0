"""The first lines of a page, the way out of an error, and the words explained."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import CureLensError
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, LEGEND, STATES, TERMS, code, escape
from dashboard.presenters.theme import BADGES, MARKS
from dashboard.services import queries
from dashboard.services.queries import RunFolder
from dashboard.session import state


@contextmanager
def guarded() -> Iterator[None]:
    """Show the message of an error that a person can mend, and nothing of one that they cannot."""
    try:
        yield
    except CureLensError as error:
        st.error(escape(str(error)), icon=":material/error:")


def lead(sentence: str, note: str = "") -> None:
    """The sentence that a page opens with, and one line under it; `note` is Markdown and must be escaped."""
    st.title(sentence, anchor=False)
    if note:
        st.markdown(note)
    if said := state.said():
        st.success(said, icon=":material/check:")


def about(folder: RunFolder) -> str:
    """Which run a page speaks of, as one line of Markdown."""
    spec, status = folder.spec, folder.status
    method = queries.METHODS[spec.method].title if spec.method in queries.METHODS else spec.method
    icon, colour = BADGES[status.state]
    badge = f":{colour}-badge[:material/{icon}: {STATES[status.state]}]"
    found = t("about-run", state=badge, run=code(spec.id), request=code(spec.request), method=escape(method))
    edit = spec.edit
    edited = edit and t("groups-edited", low=f"{edit.low:g}", high=f"{edit.high:g}", moves=len(edit.moves))
    return f"{found} {edited}" if edited else found


def link(page: str, label: str, icon: str = "arrow_forward", **query: str) -> None:
    """A link to another page, with what it should show."""
    st.page_link(f"screens/{page}.py", label=label, icon=f":material/{icon}:", query_params=query or None)


def empty(sentence: str, page: str, label: str) -> None:
    """An empty state: what is missing and the page that mends it."""
    with st.container(border=True):
        st.markdown(sentence)
        link(page, label)


def group_legend() -> None:
    """The groups with their colour and shape."""
    rows = (
        t("group-legend", mark=MARKS[group], group=GROUP_NAMES[group], serves=serves)
        for group, serves in GROUP_WORDS.items()
    )
    st.markdown("&emsp;".join(rows))


def words_legend() -> None:
    """The words of the product, explained."""
    with st.expander(t("legend"), icon=":material/menu_book:"):
        rows = (t("legend-row", word=TERMS[key], meaning=meaning) for key, meaning in LEGEND.items())
        st.markdown("\n".join(f"- {row}" for row in rows))
