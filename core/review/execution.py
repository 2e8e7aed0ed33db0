"""Execution of decisions, in steps that survive a kill at any point.

1. seal: encrypt everything that will be deleted or changed.
2. publish: put the approved adapter into service.
3. purge: remove the forgotten rows, the old adapter, references, runs.
4. check: the served adapter is the approved one, and no file shows forgotten data.
5. sign_destruction: sign the destruction into the ledger.
6. destroy: destroy the key of the encrypted copies.

Each step may be repeated. Until the destruction is signed, everything can be rolled back; from then on
`execute_decisions` only goes forward. So a case that is interrupted ends either carried out, or pending with every file
as before; where the ledger cannot take the withdrawal or the sealed copies are missing, it stays approved, and says so.

Only the ledger says whether a case is approved and whether its destruction is signed, since anybody can write the
database. Where it cannot be read, nothing begins.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.data.interaction_files import write_interactions
from core.errors import CureLensError, ReviewError, WorkspaceError
from core.review import ledger_entries
from core.review.affected_files import check_places, files_to_seal, model_folders
from core.review.batch_entries import enter_member
from core.review.cases import Cases
from core.review.execution_state import Execution
from core.review.file_contents import parts_of_database
from core.review.forgotten_data import forgotten_data_of
from core.review.idle import check_no_run
from core.review.leak_scan import find_leaks, find_weight_copies
from core.review.ledger_entries import entered_decisions, is_taken_back
from core.review.rollback import roll_back, set_back
from core.review.sealed_copies import check_sealed
from core.review.signed_decisions import as_approved, check_approved, check_decided
from core.review.smaller_requests import shrink_requests, void_removed
from core.review.vault import encrypted_files
from core.runs.handle import RunHandle
from core.runs.ledger_entries import Ledger
from core.runs.signed_files import changed_model
from core.types import Case, CaseState, UserSplit
from core.utils.atomic_io import move, remove_file, remove_folder, staging, write_bytes
from core.utils.serialization import read_file, write_json
from core.workspace import Workspace
from core.workspace.layout import is_inside_workspace
from core.workspace.locks import decision_lock, exclusive_model_lock
from core.workspace.run_layout import ADAPTER_CONFIG

SOFTWARE = "CURE Lens"  # takes an approval back that cannot be carried out


def execute_decisions(workspace: Workspace) -> Case | None:
    """Destroy rejected unlearned adapters, and carry out the approved case.

    Returns:
        The case that was carried out; None where there was none.

    Raises:
        LedgerError: The ledger cannot be read, or takes no entry.
        ReviewError: The approved case has to wait, was rolled back, or is approved in the database alone.
        WorkspaceError: A file cannot be written.
    """
    with decision_lock(workspace):
        cases = Cases(workspace).all().whole()  # later decisions are carried out by the next call
        if not cases:
            return None
        _discard(workspace, cases)
        approved = [case for case in cases if case.state is CaseState.APPROVED]
        begun = [case for case in cases if case not in approved and _has_begun(workspace, case)]
        return next((_when_idle(workspace, case) for case in (*begun, *approved)), None)


def _when_idle(workspace: Workspace, case: Case) -> Case:
    """Carry out a case while no job uses the models, or set it back where no signed decisions approve it.

    Raises:
        ReviewError: It was set back, or has to wait.
        WorkspaceError: It has to wait.
    """
    with exclusive_model_lock(workspace):
        if (approved := as_approved(Ledger(workspace), case)) is None:
            raise set_back(workspace, case)
        workspace.requests().whole()  # a request that cannot be read would not be searched for forgotten rows
        if not Execution(workspace.root, approved).vault.sealed:  # else it has begun, and purged runs are no runs
            check_no_run(workspace)
        return carry_out(workspace, approved)


def carry_out(workspace: Workspace, case: Case) -> Case:
    """Carry out the steps that are left.

    Raises:
        ReviewError: A step failed and everything was rolled back: the case is pending again, or still approved where
            its withdrawal cannot be signed. Where the destruction is or may be signed, a step's own error goes through.
        LedgerError: The ledger cannot be read, or the sealed copies are missing, without which nothing can be rolled
            back.
    """
    cases, execution = Cases(workspace), Execution(workspace.root, case)
    # Unless the ledger holds the destruction, every step is done again, `check` right before the destruction is signed.
    done = STEPS.index(sign_destruction) if ledger_entries.is_destroyed(Ledger(workspace), case) else 0
    if not done:
        execution.vault.check_not_lost()
    for number, step in enumerate(STEPS[done:], done):
        try:
            step(execution)
        except Exception as error:  # any failure: a half-done deletion is worse than none
            if done or _may_be_signed(workspace, case, number):
                raise  # the destruction is signed: it can only go forward
            cases.record_step(case.number, 0)  # after a kill from here on, it starts again with what is sealed
            roll_back(execution)
            message = str(error) or type(error).__name__  # a MemoryError says nothing
            ending = f"The approval of {case.request} was taken back and nothing was destroyed:"
            if fault := _sign_withdrawal(workspace, case):
                ending = f"Nothing was destroyed, but the approval of {case.request} still counts, as {fault}"
            else:
                cases.reopen(case.number, message)
            execution.vault.discard()
            raise ReviewError(f"{ending} {message}") from error
        cases.record_step(case.number, number + 1)
    if not ledger_entries.is_destroyed(Ledger(workspace), case):
        raise ReviewError(f"Case {case.number} is not closed: its destruction is not signed.")
    return cases.close(case.number)


# ------------------------------------------------------------ the steps


def seal(execution: Execution) -> None:
    """Check the approval, encrypt the data and all that will be deleted, unless that is done, and check the copies.

    Only sealed bytes go into service, so a file that is exchanged meanwhile changes nothing.

    Raises:
        ReviewError: The approval is not signed, something lies outside the workspace, or the run was changed since its
            approval.
        RequestError: A request was changed.
    """
    check_approved(Ledger(execution.workspace), execution.case)
    if not execution.vault.sealed:
        check_places(execution.workspace)
        check_decided(execution.workspace, execution.case)
        execution.vault.seal(execution.root, sorted(files_to_seal(execution.layout)))
    check_sealed(execution)


def publish(execution: Execution) -> None:
    """Put the approved adapter into service."""
    part = staging(execution.adapter)
    for folder in (part, execution.adapter):
        remove_folder(folder)
    for name, content in execution.approved_files():
        write_bytes(part / name, content)
    move(part, execution.adapter)
    settings = replace(execution.sealed_workspace.settings, adapter=execution.adapter.name)
    write_json(execution.layout.settings, settings)


def purge(execution: Execution) -> None:
    """Remove the forgotten rows, and everything that was made with the old adapter or shows users' lists."""
    sealed, layout, request = execution.sealed_workspace, execution.layout, execution.sealed_request()
    write_interactions(layout.interactions, sealed.interactions.without(request))
    write_json(layout.user_split, _without(sealed.user_split, set(request.users)))
    shrink_requests(execution)
    for folder in _old_folders(execution):
        with suppress(WorkspaceError):  # `check` names all that are left
            remove_folder(folder)
    for path in layout.leftovers():
        remove_file(path)
    for one in (request, *execution.sealed_members()):
        write_json(layout.closed(one.id), execution.closed_request(one, request.members))


def check(execution: Execution) -> None:
    """Check that the served adapter and its base are the approved ones and that no file shows forgotten data.

    Raises:
        ReviewError: They are not, or one does, or one cannot be searched.
    """
    if any(read_file(execution.adapter / name) != content for name, content in execution.approved_files()):
        raise ReviewError("The adapter that is served is not the one that was approved.")
    if changed := changed_model(execution.workspace, execution.approved_model()):
        raise ReviewError(f"The adapter's base model is not as approved ({', '.join(changed)} changed): put it back.")
    if left := _old_folders(execution):
        raise ReviewError(f"{', '.join(map(str, left))} could not be removed: check who owns it.")
    copies = find_weight_copies(execution.root, execution.destroyed_weights())
    if copies.shows:
        raise ReviewError(f"A copy of the weights to destroy was found in {', '.join(copies.shows)}: remove it.")
    forgotten = forgotten_data_of(execution.sealed_request(), execution.sealed_rows(), execution.sealed_workspace.items)
    layout = execution.layout
    # Comments and reasons are deleted at the very end, when nothing can be undone: all the rest is searched.
    with Cases(execution.workspace).as_closed() as cases:
        instead = {layout.name(layout.review): partial(parts_of_database, cases)}
        found = find_leaks(execution.root, forgotten, encrypted_files(layout), instead)
    if problems := replace(found, unread={**copies.unread, **found.unread}).problems:
        raise ReviewError(problems)


def sign_destruction(execution: Execution) -> None:
    """Sign the destruction into the ledger: of the request, then, of a batch, each member's own record.

    Whatever is signed was computed from the sealed copies: files of the workspace can be exchanged by now.
    """
    ledger, case = Ledger(execution.workspace), execution.case
    if ledger_entries.is_all_destroyed(ledger, case):
        return  # whether or not the copies are still there
    if ledger_entries.is_destroyed(ledger, case) and not execution.vault.has_key:
        return  # as above, for entries of earlier versions: the key goes last, when all is signed
    request, weights = execution.sealed_request(), execution.destroyed_weights()
    interactions = execution.sealed_workspace.interactions
    served = {"adapter config": execution.approved_digests[ADAPTER_CONFIG], **execution.approved_model()}
    # The first destruction in the ledger is the point of no return, so everything else follows it.
    for one in (request, *execution.sealed_members()):
        if ledger_entries.is_destroyed(ledger, case, one.id):
            continue
        closed = execution.closed_request(one, request.members)
        write_json(execution.layout.closed(one.id), closed)  # again: the one that was searched may be another by now
        if one is not request:
            enter_member(ledger, case, one, closed, execution.sealed_forgotten())
        ledger_entries.enter_destruction(ledger, case, closed, one, interactions.covered(one), served, weights)


def destroy(execution: Execution) -> None:
    """Destroy the encrypted copies: from here on nothing can be restored.

    Raises:
        ReviewError: The destruction is not signed.
    """
    if not ledger_entries.is_destroyed(Ledger(execution.workspace), execution.case):
        raise ReviewError("The destruction is not signed.")
    with suppress(CureLensError):  # copies that were taken away by now change nothing
        void_removed(execution)
    execution.vault.destroy()


STEPS: tuple[Callable[[Execution], None], ...] = (seal, publish, purge, check, sign_destruction, destroy)


# ------------------------------------------------------------ helpers of the steps


def _may_be_signed(workspace: Workspace, case: Case, failed: int) -> bool:
    """Whether the destruction is signed; where the ledger cannot be read, whether the step that failed signs it."""
    try:
        return ledger_entries.is_destroyed(Ledger(workspace), case)
    except CureLensError:
        return failed >= STEPS.index(sign_destruction)


def _sign_withdrawal(workspace: Workspace, case: Case) -> str:
    """Sign that the approvals of a case count no more. Returns "", or why it cannot be signed."""
    try:
        ledger_entries.enter_withdrawal(Ledger(workspace), case, SOFTWARE)
    except CureLensError as error:
        return f"its withdrawal cannot be signed ({str(error).rstrip('.')})."
    return ""


def _discard(workspace: Workspace, cases: Sequence[Case]) -> None:
    """Destroy the unlearned adapters whose rejection is signed."""
    ledger, found = Ledger(workspace), [case for case in cases if case.state is CaseState.REJECTED]
    rejected = {case.run for case in found if not all(one.approve for one in entered_decisions(ledger, case))}
    for run in (RunHandle(workspace.layout.run(name).path) for name in rejected):  # also where its spec is damaged
        if run.path.is_dir() and is_inside_workspace(run.path, workspace.root):
            run.discard()


def _has_begun(workspace: Workspace, case: Case) -> bool:
    """Whether a case has sealed copies and goes on, or is still to be rolled back. Else what is left of them goes.

    Raises:
        LedgerError: The ledger cannot be read.
    """
    vault, ledger = Execution(workspace.root, case).vault, Ledger(workspace)
    left = vault.sealed, vault.has_key
    if (any(left) and as_approved(ledger, case)) or (all(left) and not is_taken_back(ledger, case)):
        return True
    vault.discard()
    return False


def _old_folders(execution: Execution) -> list[Path]:
    return [path for path in model_folders(execution.layout) if path != execution.adapter]


def _without(split: UserSplit, users: set[str]) -> UserSplit:
    return replace(split, training_users=tuple(user for user in split.training_users if user not in users))
