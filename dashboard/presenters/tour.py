"""Guided tour of the demo world as data: per step a page, its query parameters, an object on it, and a message id.

It follows one person's request from the overview to the decision. The film of the second step returns in the sixth.
"""

from collections.abc import Collection, Container
from dataclasses import dataclass

from core.types import Recommendation

PERSON = "u060"
OWN = "a2.h6"  # the module that may serve mainly the person's data
OFF = "a1.h5"  # the attention head without which the film falls furthest; it serves other users too
ONE = (("run", "run-demo"),)  # one person's request, with circuits
TOGETHER = (("run", "run-forgotten"), ("request", "req-demo"))  # a request of many people, whose run passes
FILM = "f217"  # a film of the kind that the person loves, in their list before and after the run
SECONDS = 15  # time of one step in the form for presenters, so that its six steps take 90 seconds


@dataclass(frozen=True, slots=True)
class TourStep:
    """One step of the tour.

    Attributes:
        page: Page of the navigation.
        query: Query parameters of the page.
        text: Message id of the step's text.
        shows: CSS selector of the object that the text is about.
        presented: Whether the form for presenters has this step.
    """

    page: str
    query: tuple[tuple[str, str], ...]
    text: str
    shows: str
    presented: bool = True


STEPS = (
    TourStep("overview", ONE, "tour-request", ".st-key-request_req-one", presented=False),
    TourStep("request", (*ONE, ("user", PERSON)), "tour-person", ".st-key-history"),
    TourStep("circuit", (*ONE, ("module", OWN)), "tour-circuit", "[class*=st-key-explorer_]"),
    TourStep("what_if", (*ONE, ("off", OFF), ("person", PERSON)), "tour-what-if", ".st-key-lists"),
    TourStep("run", ONE, "tour-run", ".st-key-loss_curve", presented=False),
    TourStep("before_after", (*ONE, ("person", PERSON)), "tour-lists", ".st-key-lists"),
    TourStep("review", (*ONE, ("request", "req-one")), "tour-verdict", ".st-key-decision"),
    TourStep("review", TOGETHER, "tour-decide", ".st-key-decision"),
)


def steps(pages: Container[str], presented: bool = False) -> tuple[TourStep, ...]:
    """Return the steps whose page exists; with `presented`, only those of the form for presenters."""
    return tuple(step for step in STEPS if step.page in pages and (step.presented or not presented))


def runs_and_requests() -> tuple[set[str], set[str]]:
    """Return the ids of the runs and of the requests that the tour shows: without one of them, there is no tour."""
    named = [pair for step in STEPS for pair in step.query]
    return {value for name, value in named if name == "run"}, {value for name, value in named if name == "request"}


def rank(titles: Collection[Recommendation], item: str) -> int:
    """Return the rank of a title in a list, counted from 1; 0 where it is not in the list."""
    return next((number for number, one in enumerate(titles, 1) if one.item == item), 0)
