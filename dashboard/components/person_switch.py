"""Switch of persons on the review page of the demo world: one person plays several, to see how four eyes decide."""

import streamlit as st

from core.types import Case
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import role_name
from dashboard.services import review


def person_switch(case: Case | None) -> None:
    """Draw the switch in the demo world, and nothing anywhere else.

    Args:
        case: The case on the page, if there is one.
    """
    people = ("", *review.playable_people())
    if len(people) == 1:
        return
    acting = review.acting_person()
    acting = acting if acting in people else ""
    with st.container(border=True, key="played"):
        help = t("review-play-help")
        index = people.index(acting)
        chosen = st.radio(t("review-play"), people, index, _label, horizontal=True, help=help, key="play")
        if waiting := review.waits_for(case) if case else ():
            st.markdown(t("review-play-next", person=" / ".join(map(_name, waiting))))
    if chosen != acting:
        review.play(chosen)
        st.rerun()


def _label(person: str) -> str:
    """Name a person with their role."""
    if not person:
        return t("review-play-all")
    return t("review-play-person", name=_name(person), role=", ".join(map(role_name, sorted(review.roles(person)))))


def _name(person: str) -> str:
    """The first name of a person; the label of the switch says already that this is a demo."""
    return person.split()[0]
