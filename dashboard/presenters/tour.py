"""Guided tour of the demo world as data: per step a page, its query parameters and a message id of locale/en.ftl."""

from collections.abc import Container
from dataclasses import dataclass

SHOWN_RUN = ("run", "run-demo")


@dataclass(frozen=True, slots=True)
class TourStep:
    """One step of the tour.

    Attributes:
        page: Page of the navigation.
        query: Query parameters of the page.
        text: Message id of the step's text.
    """

    page: str
    query: tuple[tuple[str, str], ...]
    text: str


STEPS = (
    TourStep("overview", (SHOWN_RUN,), "tour-workspace"),
    TourStep("request", (SHOWN_RUN, ("user", "u254")), "tour-user"),
    TourStep("circuit", (SHOWN_RUN,), "tour-circuit"),
    TourStep("circuit", (SHOWN_RUN, ("module", "a0.h5")), "tour-module"),
    TourStep("circuit", (SHOWN_RUN, ("module", "a0.h5")), "tour-certainty"),
    TourStep("what_if", (SHOWN_RUN, ("off", "a0.h5"), ("person", "u254")), "tour-what-if"),
    TourStep("groups", (SHOWN_RUN,), "tour-groups"),
    TourStep("run", (SHOWN_RUN,), "tour-run"),
    TourStep("before_after", (SHOWN_RUN, ("person", "u254")), "tour-before-after"),
    TourStep("before_after", (SHOWN_RUN, ("person", "u254")), "tour-reference"),
    TourStep("report", (SHOWN_RUN,), "tour-report"),
    TourStep("report", (SHOWN_RUN,), "tour-decide"),
)


def steps(pages: Container[str]) -> tuple[TourStep, ...]:
    """Return the steps whose page exists."""
    return tuple(step for step in STEPS if step.page in pages)
