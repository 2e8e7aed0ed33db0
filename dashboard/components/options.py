"""What can be done with a request now: each option is a button or a link beside its consequence."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.report.check_texts import next_steps
from core.types import Request, Verification
from dashboard.components.text import link
from dashboard.presenters.i18n import Texts
from dashboard.presenters.phrases import escape

# Next steps of a verdict that another page carries out: its name and icon, and the method to choose there.
ELSEWHERE = {
    "more_references": ("request", "model_training", ""),
    "batch": ("request", "group_work", ""),
    "retrain": ("run", "play_circle", "retrain"),
    "retrain_drift": ("run", "play_circle", "retrain"),
    "another_method": ("run", "play_circle", ""),
    "launch_again": ("run", "play_circle", ""),
}
LABELS = Texts(
    {
        "more_references": "option-more-references",
        "train_references_again": "option-train-references-again",
        "batch": "option-batch",
        "retrain": "option-retrain",
        "retrain_drift": "option-retrain-drift",
        "another_method": "option-another-method",
        "launch_again": "option-launch-again",
    }
)
BUTTONS = ("approve", "approve_with_reason", "reject")  # steps that have a button of their own


@contextmanager
def option(consequence: str) -> Iterator[None]:
    """Draw an option: the button or link that the block draws, and what happens then."""
    left, right = st.columns([2, 5], vertical_alignment="center")
    right.caption(consequence)
    with left:
        yield


def other_steps(request: Request, verification: Verification, linked: bool) -> None:
    """Draw the next steps of a verdict that have no button here, the best first; `linked` to their page."""
    for step, text in zip(verification.next_steps, next_steps(verification), strict=True):
        if step in BUTTONS or (step == "batch" and request.members):
            continue
        with option(escape(text)):
            if linked and step in ELSEWHERE:
                page, icon, method = ELSEWHERE[step]
                named = {"method": method} if method else {}
                link(page, LABELS[step], icon, request=request.id, **named)
            else:
                st.markdown(f"**{LABELS[step]}**")
