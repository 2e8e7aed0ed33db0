"""Requests that were carried out, as far as the ledger confirms their records."""

from core.errors import WorkspaceError
from core.runs.ledger import RunLedger
from core.types import ClosedRequest
from core.utils.serialization import sorted_json
from core.workspace import Workspace


def closed_mark(closed: ClosedRequest, ledger: RunLedger) -> str:
    """The code of a record by the ledger's keys. Raises LedgerError."""
    return ledger.mark("closed", sorted_json(closed))


def confirmed_closed(workspace: Workspace, ledger: RunLedger) -> tuple[ClosedRequest, ...]:
    """The records of all requests that were carried out, newest first.

    Raises:
        WorkspaceError: A record is missing, was changed, or has no entry in the ledger.
        LedgerError: The ledger is damaged.
    """
    found, marks = workspace.closed().whole(), ledger.closed_marks()
    if marks is None:
        return found
    present = {one.id: closed_mark(one, ledger) for one in found}
    for name in sorted(present.keys() | marks.keys()):
        if name not in present or marks.get(name) not in ("", present[name]):  # earlier versions entered no mark
            raise WorkspaceError(
                f"{workspace.layout.closed(name)} is not what the ledger holds of this deletion (missing, changed, or "
                "without an entry): put the file back as it was, or remove one that has no entry."
            )
    return found
