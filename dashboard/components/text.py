"""The first lines of a page, the way out of an error, and the words explained."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.errors import CureLensError
from dashboard import engine, state
from dashboard.engine import RunFolder
from dashboard.palette import MARKS
from dashboard.texts import t
from dashboard.words import GROUP_WORDS, LEGEND, STATES, code, escape


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
    method = engine.METHODS[spec.method].title if spec.method in engine.METHODS else spec.method
    word, icon, colour = STATES[status.state]
    edit = spec.edit
    edited = edit and t("groups-edited", low=f"{edit.low:g}", high=f"{edit.high:g}", moves=len(edit.moves))
    found = f":{colour}-badge[:material/{icon}: {word}] Run {code(spec.id)} for request {code(spec.request)}, method {escape(method)}."
    return f"{found} {edited}" if edited else found


def link(page: str, label: str, icon: str = "arrow_forward", **query: str) -> None:
    """A link to another page, with what it should show."""
    st.page_link(f"views/{page}.py", label=label, icon=f":material/{icon}:", query_params=query or None)


def empty(sentence: str, page: str, label: str) -> None:
    """An empty state: what is missing and the page that mends it."""
    with st.container(border=True):
        st.markdown(sentence)
        link(page, label)


def group_legend() -> None:
    """The groups with their colour and shape."""
    st.markdown("&emsp;".join(f"{MARKS[group]} {group.value}: serves {words}" for group, words in GROUP_WORDS.items()))


def words_legend() -> None:
    """The words of the product, explained."""
    with st.expander("The words on these pages", icon=":material/menu_book:"):
        st.markdown("\n".join(f"- **{word}**: {meaning}" for word, meaning in LEGEND.items()))
