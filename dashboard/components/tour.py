"""Guided tour: the strip above each page of the demo world that it shows, and the offer on the overview."""

from collections.abc import Container
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.components.scripts import script
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.presenters.tour import SECONDS, TourStep, steps
from dashboard.services.tour import tour_is_possible, tour_numbers
from dashboard.session import state

# How the tour goes on, in the address as `pace`: the form for presenters goes on by itself until it is paused.
TIMED, PAUSED = "timed", "paused"
DECLINED = "no"
LEFT = {"tour": "", "pace": ""}
STYLE = Path(__file__).with_suffix(".css")


def tour(page: str, pages: Container[str]) -> None:
    """Draw the step named in the address if it belongs to this page, or offer the tour on the overview.

    Args:
        page: Name of the current page.
        pages: Names of all pages.
    """
    wanted, pace = state.query_value("tour"), state.query_value("pace")
    if not (wanted or page == "overview") or not tour_is_possible():
        return
    pace = pace if pace in (TIMED, PAUSED) else None
    path = steps(pages, presented=pace is not None)
    number = next((n for n, step in enumerate(path, 1) if wanted == str(n) and step.page == page), None)
    if number:
        _strip(path, number, pace)
    elif page == "overview" and not _declined():
        _offer(pages)


def _strip(path: tuple[TourStep, ...], number: int, pace: str | None) -> None:
    """Draw the sentence of one step, the buttons back, next, pause and leave, and the mark of its object."""
    step, last = path[number - 1], number == len(path)
    place = t("tour-place", number=number, count=len(path))
    with _box("tour", f"**{place}**  \n{_text(step)}"):
        if st.button(t("tour-back"), key="tour_back", disabled=number == 1):
            _go(path, number - 1, pace)
        if not last and st.button(t("tour-next"), key="tour_next", type="primary"):
            _go(path, number + 1, pace)
        if pace and not last:
            label, then = ("tour-pause", PAUSED) if pace == TIMED else ("tour-go-on", TIMED)
            st.button(t(label), key="tour_pause", on_click=state.address, kwargs={"pace": then})
        label = "tour-end" if last else "tour-leave"
        st.button(
            t(label), key="tour_leave", type="primary" if last else "tertiary", on_click=state.address, kwargs=LEFT
        )
        _mark(path, number, pace)


def _mark(path: tuple[TourStep, ...], number: int, pace: str | None) -> None:
    """Scroll to the object of a step and mark it; go on or back where the clock or a remote control says so."""
    last = number == len(path)
    component = st.components.v2.component(
        "cure_tour",
        html='<div class="time" hidden><div class="left"></div></div>',
        css=STYLE.read_text(encoding="utf-8"),
        js=script("tour"),
    )
    result = component(
        key=f"tour_mark_{number}_{pace or ''}",
        data={
            "shows": path[number - 1].shows,
            "presented": pace is not None,
            "seconds": SECONDS if pace == TIMED and not last else 0,
        },
        on_next_change=lambda: None,
        on_back_change=lambda: None,
    )
    if result.next and not last:
        _go(path, number + 1, pace)
    if result.back and number > 1:
        _go(path, number - 1, pace)


def _text(step: TourStep) -> str:
    """Return the text of a step with the numbers of the demo world."""
    film, numbers = tour_numbers()
    return t(step.text, film=escape(film), **numbers)


def _offer(pages: Container[str]) -> None:
    with _box("offer", t("tour-offer")):
        if st.button(t("tour-start"), key="tour_start", type="primary"):
            _go(steps(pages), 1, None)
        if st.button(t("tour-present"), key="tour_present", help=t("tour-present-help")):
            _go(steps(pages, presented=True), 1, TIMED)
        st.button(t("tour-not-now"), key="tour_not_now", type="tertiary", on_click=state.hide, args=("tour",))


def _declined() -> bool:
    """Whether the tour was declined in this session, or in the one of this address before a reload."""
    if state.query_value("tour") == DECLINED:
        state.hide("tour")
    if state.hidden("tour"):
        state.address(tour=DECLINED)
    return state.hidden("tour")


def _box(key: str, text: str) -> DeltaGenerator:
    """Draw a bordered strip with a text, and return the container for its buttons."""
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=key):
        st.markdown(text, width="stretch")
        return st.container(horizontal=True, width="content", gap="small", vertical_alignment="center")


def _go(path: tuple[TourStep, ...], number: int, pace: str | None) -> None:
    """Open the page of a step with its query parameters."""
    step = path[number - 1]
    given = {**dict(step.query), "tour": str(number)} | ({"pace": pace} if pace else {})
    st.switch_page(f"screens/{step.page}.py", query_params=given)
