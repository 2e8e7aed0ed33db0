"""The open requests in one sentence, by what each waits for; pure functions without Streamlit."""

from collections.abc import Sequence

from core.types import RequestState
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import joined

TO_REVIEW = frozenset(
    {RequestState.UNVERIFIED, RequestState.VERIFIED, RequestState.PENDING, RequestState.APPROVED, RequestState.CLOSED}
)
TO_LAUNCH = frozenset({RequestState.NEW, RequestState.FAILED, RequestState.REJECTED, RequestState.VOID})
TO_WATCH = frozenset({RequestState.RUNNING, RequestState.STOPPED})
# What open requests wait for, in the order in which a person acts.
WAITING = {"review": TO_REVIEW, "launch": TO_LAUNCH, "watch": TO_WATCH, "batch": frozenset({RequestState.IN_BATCH})}


def inbox_sentence(states: Sequence[RequestState]) -> str:
    """Tell how many requests are open, and how many of them wait for what.

    Args:
        states: Where each open request stands.
    """
    counts = {name: sum(state in kind for state in states) for name, kind in WAITING.items()}
    parts = [t(f"overview-waiting-{name}", count=count) for name, count in counts.items() if count]
    return t("overview-lead", requests=len(states), parts=joined(parts))
