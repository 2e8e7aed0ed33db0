"""Who took part in the work on a request, by all entries of the ledger: neither a file nor a later entry hides anybody.

None of them may decide, or have opened the request. Earlier versions entered fewer of them.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from core.runs.handle import RunHandle
from core.runs.ledger import RESUMED, RunLedger
from core.runs.signed_files import comparers


def participants(run: RunHandle, request_id: str, ledger: RunLedger) -> dict[str, set[str]]:
    """Who did which part of the work on a run and on its request's references. Raises LedgerError."""
    worked, edit = ledger.run_contents(run.id), run.spec.edit
    sources = _sources({edit.source if edit else "", *_named("groups_of", worked)}, ledger)
    return {
        "launched the run": {run.spec.launched_by, *_named("by", worked)},
        "resumed the run": _resumed(run.id, ledger),
        "made the run whose groups were edited": {
            *chain.from_iterable(_named("by", ledger.run_contents(one)) | _resumed(one, ledger) for one in sources)
        },
        "verified the run": _named("by", ledger.verified_contents(run.id)),
        "had all lists compared": comparers(run, ledger),
        "had its references trained": _named("by", ledger.reference_contents(request_id)),
        "submitted the run": _submitters(run),
    }


def _resumed(run_id: str, ledger: RunLedger) -> set[str]:
    entered = (one.get("resumed_by", []) for one in ledger.run_contents(run_id))
    return {*(who for _, who in ledger.facts(RESUMED, run_id)), *chain.from_iterable(entered)}


def _submitters(run: RunHandle) -> set[str]:
    if not run.workspace.keeps_ledger:
        return set()
    from core.review.ledger_entries import submitters  # loads the signing libraries
    from core.runs.ledger_entries import Ledger  # loads the signing libraries

    return submitters(Ledger(run.workspace), run.id)


def _sources(left: set[str], ledger: RunLedger) -> set[str]:
    """Some runs, those whose groups were edited to make them, and so on."""
    found = {""}
    while left := left - found:
        found |= left
        left = {source for one in left for source in _named("groups_of", ledger.run_contents(one))}
    return found - {""}


def _named(name: str, contents: Sequence[Mapping[str, Any]]) -> set[str]:
    """The people, or the runs, in one field of entries."""
    return {one.get(name, "") for one in contents}
