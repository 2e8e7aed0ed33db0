"""Guided tour: the strip above every page of the demo world, and the offer on the overview."""

from collections.abc import Container

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.presenters.i18n import t
from dashboard.presenters.tour import TourStep, steps
from dashboard.services import queries
from dashboard.session import state


def tour(page: str, pages: Container[str]) -> None:
    """Draw the step named in the address if it belongs to this page, or offer the tour on the overview.

    Args:
        page: Name of the current page.
        pages: Names of all pages.
    """
    if not queries.demo():
        return
    path = steps(pages)
    wanted = state.query_value("tour")
    number = next((n for n, step in enumerate(path, 1) if wanted == str(n) and step.page == page), None)
    if number:
        _strip(path, number)
    elif page == "overview" and not state.hidden("tour"):
        _offer(path)


def _strip(path: tuple[TourStep, ...], number: int) -> None:
    """Draw the sentence of one step and the buttons back, next and leave."""
    position = t("tour-place", number=number, count=len(path))
    step = path[number - 1]
    with _box("tour", f"**{position}**  \n{t(step.text, users=_users(step))}"):
        if st.button(t("tour-back"), key="tour_back", disabled=number == 1):
            _go(path, number - 1)
        if st.button(t("tour-next"), key="tour_next", type="primary", disabled=number == len(path)):
            _go(path, number + 1)
        st.button(t("tour-leave"), key="tour_leave", type="tertiary", on_click=state.drop, args=("tour",))


def _users(step: TourStep) -> int:
    """How many users the request of the step's run covers; 0 where the run is gone."""
    run = queries.runs().get(dict(step.query)["run"])
    return len(queries.workspace().request(run.spec.request).subjects) if run else 0


def _offer(path: tuple[TourStep, ...]) -> None:
    with _box("offer", t("tour-offer")):
        if st.button(t("tour-start"), key="tour_start", type="primary"):
            _go(path, 1)
        st.button(t("tour-not-now"), key="tour_not_now", type="tertiary", on_click=state.hide, args=("tour",))


def _box(key: str, text: str) -> DeltaGenerator:
    """Draw a bordered strip with a text, and return the container for its buttons."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=key):
        st.markdown(text, width="stretch")
        return st.container(horizontal=True, width="content", gap="small")


def _go(path: tuple[TourStep, ...], number: int) -> None:
    """Open the page of a step with its query parameters."""
    step = path[number - 1]
    st.switch_page(f"screens/{step.page}.py", query_params={**dict(step.query), "tour": str(number)})
