"""Cancellation of a run by a person, which the ledger holds: no file that is changed later lets the run go on."""

from core.errors import CancelledError
from core.runs.handle import RunHandle
from core.runs.ledger import CANCELLED, RunLedger, open_ledger

STOPPED = "The run was stopped by a person; the adapter in use was not touched."


def cancel(run: RunHandle, person: str = "") -> None:
    """Stop a run, and enter who did.

    Raises:
        RunError: The run has ended already.
        LedgerError: The ledger takes no entry; the run is stopped nevertheless.
    """
    run.request_cancel()
    open_ledger(run.workspace).record_fact(CANCELLED, run.id, person)


def check_not_cancelled(run: RunHandle, ledger: RunLedger) -> None:
    """Raise CancelledError where the ledger holds that somebody cancelled the run."""
    if ledger.facts(CANCELLED, run.id):
        raise CancelledError(STOPPED)
