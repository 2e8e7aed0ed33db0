"""Queries of the overview: the health of the workspace, and what changed since the last visit."""

from dataclasses import dataclass

from core.models.known_bases import KnownBase, known_bases
from core.report.case_record import Entry
from core.types import Drift, RequestState
from core.utils.clock import utc_now
from core.verification.drift_budget import drift_of
from core.verification.endpoints import MIN_REFERENCES
from core.verification.thresholds import Thresholds
from core.workspace.disk import MIN_FREE_BYTES, free_bytes
from core.workspace.visits import record_visit
from dashboard.services import queries, review
from dashboard.services.cli_client import CommandError
from dashboard.session.auth import signed_in_email

EVENTS = ("run", "verification", "submission", "decision", "withdrawal", "destruction")


@dataclass(frozen=True)
class Health:
    """Health of a workspace.

    Attributes:
        base: The base model, if it is one that is known by name; None for any other.
        requests: Open requests that take references of their own.
        without_references: Those of them that have fewer than a verdict takes.
        references: References that a verdict takes.
        entries: Entries of the ledger; None where no ledger is kept.
        ledger_flaw: What is wrong with the ledger; "" if nothing is.
        drift: Fall of the test AUC by the deletions in a row.
        drift_budget: Fall from which retraining is advised.
        free_bytes: Free bytes on the disk.
        bytes_needed: Free bytes below which a run may fail.
    """

    base: KnownBase | None
    requests: int
    without_references: tuple[str, ...]
    references: int
    entries: int | None
    ledger_flaw: str
    drift: Drift
    drift_budget: float
    free_bytes: int
    bytes_needed: int


def health() -> Health:
    """Examine the workspace; reading a changed ledger starts a process."""
    workspace, flaw, entries = queries.workspace(), "", None
    try:
        entries = len(review.ledger_entries()) if review.keeps_ledger() else None
    except CommandError as error:
        flaw = str(error)
    skipped = (RequestState.CLOSED, RequestState.IN_BATCH)
    own = [name for name, status in queries.request_statuses().items() if status.state not in skipped]
    missing = [name for name in own if len(workspace.layout.finished_references(name)) < MIN_REFERENCES]
    drift, budget = drift_of(workspace.closed()), Thresholds().test_auc_fall
    return Health(
        base=known_bases().get(workspace.settings.base),
        requests=len(own),
        without_references=tuple(missing),
        references=MIN_REFERENCES,
        entries=entries,
        ledger_flaw=flaw,
        drift=drift,
        drift_budget=budget,
        free_bytes=free_bytes(workspace),
        bytes_needed=MIN_FREE_BYTES,
    )


def last_visit() -> str:
    """End of the last visit of whoever looks now, as ISO 8601; "" on the first. The shipped demo is not written to."""
    workspace = queries.workspace()
    if workspace.root == queries.DEMO.resolve():
        return ""
    return record_visit(workspace, signed_in_email(), utc_now())


def events(since: str) -> list[Entry]:
    """Runs, verifications, submissions, decisions and deletions in the ledger after a time, the newest first.

    Args:
        since: Time as ISO 8601 in UTC; "" for all.

    Returns:
        The entries; none without a ledger, or where it is damaged.
    """
    try:
        found = review.ledger_entries() if review.keeps_ledger() else []
    except CommandError:
        return []
    return [one for one in reversed(found) if one["kind"] in EVENTS and one["content"]["time"] > since]
