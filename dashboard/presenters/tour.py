"""Guided tour of the demo world as data: per step a page, its query parameters and a message id of locale/en.ftl."""

from collections.abc import Container
from dataclasses import dataclass

CIRCUIT_RUN = ("run", "run-demo")  # one person's request, with circuits
PASSED_RUN = ("run", "run-forgotten")  # a request of many people


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
    TourStep("overview", (CIRCUIT_RUN,), "tour-workspace"),
    TourStep("request", (CIRCUIT_RUN, ("user", "u060")), "tour-user"),
    TourStep("circuit", (CIRCUIT_RUN,), "tour-circuit"),
    TourStep("circuit", (CIRCUIT_RUN, ("module", "a2.h6")), "tour-module"),
    TourStep("circuit", (CIRCUIT_RUN, ("module", "a2.h6")), "tour-certainty"),
    TourStep("what_if", (CIRCUIT_RUN, ("off", "a2.h6"), ("person", "u060")), "tour-what-if"),
    TourStep("groups", (CIRCUIT_RUN,), "tour-groups"),
    TourStep("run", (CIRCUIT_RUN,), "tour-run"),
    TourStep("before_after", (PASSED_RUN, ("person", "u254")), "tour-before-after"),
    TourStep("before_after", (PASSED_RUN, ("person", "u254")), "tour-reference"),
    TourStep("report", (PASSED_RUN,), "tour-report"),
    TourStep("report", (PASSED_RUN,), "tour-decide"),
)


def steps(pages: Container[str]) -> tuple[TourStep, ...]:
    """Return the steps whose page exists."""
    return tuple(step for step in STEPS if step.page in pages)
