"""A guided path through the demo world: which page each step shows, with what in its address, and which text says it.

Pure. The texts are in locale/en.ftl, in the section of the tour.
"""

from collections.abc import Container
from dataclasses import dataclass

SHOWN_RUN = ("run", "run-demo")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a page of the navigation, its query parameters, the name of its text."""

    page: str
    query: tuple[tuple[str, str], ...]
    text: str


STEPS = (
    Step("overview", (SHOWN_RUN,), "tour-workspace"),
    Step("request", (SHOWN_RUN, ("user", "u254")), "tour-people"),
    Step("circuit", (SHOWN_RUN,), "tour-circuit"),
    Step("circuit", (SHOWN_RUN, ("module", "a0.h5")), "tour-part"),
    Step("circuit", (SHOWN_RUN, ("module", "a0.h5")), "tour-sure"),
    Step("what_if", (SHOWN_RUN, ("off", "a0.h5"), ("person", "u254")), "tour-what-if"),
    Step("groups", (SHOWN_RUN,), "tour-groups"),
    Step("run", (SHOWN_RUN,), "tour-run"),
    Step("before_after", (SHOWN_RUN, ("person", "u254")), "tour-before-after"),
    Step("before_after", (SHOWN_RUN, ("person", "u254")), "tour-never-saw"),
    Step("report", (SHOWN_RUN,), "tour-report"),
    Step("report", (SHOWN_RUN,), "tour-decide"),
)


def steps(pages: Container[str]) -> tuple[Step, ...]:
    """The steps whose page is there."""
    return tuple(step for step in STEPS if step.page in pages)
