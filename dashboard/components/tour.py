"""The tour's strip above every page of the demo world, and its offer on the overview."""

from collections.abc import Container

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.presenters.i18n import t
from dashboard.presenters.tour import Step, steps
from dashboard.services import queries
from dashboard.session import state


def tour(page: str, pages: Container[str]) -> None:
    """Draw the step that the address asks for where `page` is its page, or offer the tour at first sight."""
    if not queries.demo():
        return
    path = steps(pages)
    asked = state.asked("tour")
    number = next((n for n, step in enumerate(path, 1) if asked == str(n) and step.page == page), None)
    if number:
        _strip(path, number)
    elif page == "overview" and not state.hidden("tour"):
        _offer(path)


def _strip(path: tuple[Step, ...], number: int) -> None:
    """The sentence of one step, and the ways on, back and out."""
    place = t("tour-place", number=number, count=len(path))
    with _box("tour", f"**{place}**  \n{t(path[number - 1].text)}"):
        if st.button(t("tour-back"), key="tour_back", disabled=number == 1):
            _go(path, number - 1)
        if st.button(t("tour-next"), key="tour_next", type="primary", disabled=number == len(path)):
            _go(path, number + 1)
        st.button(t("tour-leave"), key="tour_leave", type="tertiary", on_click=state.drop, args=("tour",))


def _offer(path: tuple[Step, ...]) -> None:
    with _box("offer", t("tour-offer")):
        if st.button(t("tour-start"), key="tour_start", type="primary"):
            _go(path, 1)
        st.button(t("tour-not-now"), key="tour_not_now", type="tertiary", on_click=state.hide, args=("tour",))


def _box(key: str, words: str) -> DeltaGenerator:
    """A bordered strip of words, and the place for its buttons."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=key):
        st.markdown(words, width="stretch")
        return st.container(horizontal=True, width="content", gap="small")


def _go(path: tuple[Step, ...], number: int) -> None:
    """Show a step: its page, with what it needs in the address."""
    step = path[number - 1]
    st.switch_page(f"screens/{step.page}.py", query_params={**dict(step.query), "tour": str(number)})
