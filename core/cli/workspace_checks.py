"""Checks of `python -m core doctor` on a workspace; each goes on where another one met damage."""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

from core.cli.files import damaged_files
from core.cli.finding import Finding, guarded
from core.models.known_bases import absent_base
from core.review.cases import Cases
from core.review.permissions import roles
from core.runs.dispatcher import fault, is_missing
from core.runs.hand_over import next_in_line
from core.runs.handle import runs, store_of
from core.runs.launcher_options import options_of
from core.runs.requests import unmarked_requests
from core.runs.signed_settings import check_settings
from core.runs.submit import ORPHANED, is_orphaned
from core.types import ENDED, CaseState, RunState
from core.utils.atomic_io import staging_folders
from core.utils.commands import command_line
from core.workspace import Workspace
from core.workspace.disk import MIN_FREE_BYTES, free_bytes

Check = Callable[[Workspace, Collection[str]], Iterator[Finding]]


def check_workspace(workspace: Workspace) -> Iterator[Finding]:
    """Check everything of a workspace."""
    for name, check in CHECKS.items():
        yield from guarded(name, partial(check, workspace))


def _disk(workspace: Workspace) -> Iterator[Finding]:
    left = free_bytes(workspace)
    enough = left >= MIN_FREE_BYTES
    yield Finding("disk", enough, f"{left / 1e9:.1f} GB free", "" if enough else "Free disk space before the next run.")


def _permissions(workspace: Workspace) -> Iterator[Finding]:
    """Whether only its owner, or the owner's group, can open the workspace: its files name people."""
    root = workspace.root
    if root.stat().st_mode & 0o007:
        fix = f"Run chmod 700 {root}, or chmod 770 where a group works with it."
        yield Finding("permissions", False, f"every user of this machine can open {root}", fix)
    else:
        yield Finding("permissions", True, "closed to other users")


def _base(workspace: Workspace) -> Iterator[Finding]:
    if base := absent_base(workspace.settings.base):
        yield Finding("base", False, f"{base.title} is not on this machine", f"Run {base.fetch}.")


def _files(workspace: Workspace) -> Iterator[Finding]:
    """Damaged files, and those that differ from what the ledger and the manifest of a demo world hold."""
    cases = Cases(workspace).all() if not Cases(workspace).flaws() else ()
    rejected = {case.run for case in cases if case.state is CaseState.REJECTED}
    checks: dict[str, Check] = {"files": damaged_files}
    if not any(case.state is CaseState.APPROVED for case in cases):  # else a deletion is half done
        from core.cli.signed_files import closed_records, shipped_files, signed_files  # loads the signing libraries

        if workspace.keeps_ledger:
            checks |= {"signed files": signed_files, "closed records": closed_records}
        checks["shipped files"] = shipped_files
    found: dict[str, Finding] = {}
    for name, check in checks.items():
        for one in guarded(name, partial(check, workspace, rejected)):
            found.setdefault(one.name, one)  # of a file only the first fault
    yield from found.values()


def _people(workspace: Workspace) -> Iterator[Finding]:
    for person in workspace.settings.people:
        roles(workspace, person)
    check_settings(workspace)
    yield from ()


def _launchers(workspace: Workspace) -> Iterator[Finding]:
    settings = workspace.settings
    for launcher in {settings.launcher: None, **settings.clusters}:
        options_of(workspace, launcher)
    yield from ()


def _requests(workspace: Workspace) -> Iterator[Finding]:
    """Open requests that are not signed as they stand."""
    fix = f"Check its file, then run {command_line('ledger', 'confirm', '-w', str(workspace.root))}."
    for request in unmarked_requests(workspace):
        yield Finding(f"request {request.id}", False, "not signed as it stands", fix)


def _store(workspace: Workspace) -> Iterator[Finding]:
    store = store_of(workspace)
    path, flaws = store.path, store.flaws()
    flaws = flaws or store.all().damaged or _lost_store(workspace)
    fix = f"Move {path} and its -wal and -shm files away: ended runs stay readable, other runs must be started again."
    yield Finding("store", not flaws, "; ".join(flaws) or "whole", fix if flaws else "")


def _lost_store(workspace: Workspace) -> tuple[str, ...]:
    """A sentence where a run was queued, and the store that knew it is gone."""
    layout = workspace.layout
    queued = [folder.name for folder in layout.run_folders() if layout.run(folder.name).job.is_file()]
    if layout.store.is_file() or not queued:
        return ()
    return (f"{layout.store} is not there, although run {queued[0]} was queued in it",)


def _review(workspace: Workspace) -> Iterator[Finding]:
    cases = Cases(workspace)
    if flaws := cases.flaws() or cases.all().damaged:
        yield Finding("review", False, "; ".join(flaws), f"Restore {cases.path}: the ledger holds each decision.")
        return
    if case := cases.approved():
        fix = command_line("review", "settle", "-w", str(workspace.root))
        yield Finding(f"request {case.request}", False, "approved, but not yet fully carried out", fix)
    if workspace.keeps_ledger and cases.path.is_file():
        from core.cli.signed_cases import signed_cases  # loads the signing libraries

        yield from signed_cases(workspace)


def _sealed(workspace: Workspace) -> Iterator[Finding]:
    """Encrypted copies that cannot be opened, or whose case is not approved.

    They are all that a half-done deletion could be taken back with.
    """
    from core.review.vault import Vault  # loads the signing libraries

    case = Cases(workspace).approved()
    own = workspace.layout.vault(case.request, case.number).name if case else ""
    fix = command_line("review", "settle", "-w", str(workspace.root))
    for folder in filter(Path.is_dir, workspace.layout.sealed.glob("[!.]*")):
        if folder.name != own:
            yield Finding(
                "sealed copies",
                False,
                f"{folder} was left by an interrupted deletion, and its case is not approved",
                fix,
            )
        vault = Vault(folder, workspace.layout.ledger_key)
        for name in vault.names():
            vault.read(name)


def _lost_copies(workspace: Workspace) -> Iterator[Finding]:
    """Encrypted copies that are gone while their key is there: nothing else knows that there were any."""
    if not workspace.keeps_ledger:
        return
    from core.ledger.keys import folder_of, read_public  # loads the signing libraries
    from core.review.vault import Vault  # loads the signing libraries
    from core.review.vault_keys import owner_of  # loads the signing libraries

    key = workspace.layout.ledger_key
    owners = {owner_of(one) for one in folder_of(read_public(key)).glob("*.key")} - {None, ""}
    for place in sorted(Path(str(owner)) for owner in owners):
        if place.parent == workspace.layout.sealed:
            Vault(place, key).check_not_lost()
    yield from ()


def _ledger(workspace: Workspace) -> Iterator[Finding]:
    """Whether every entry is signed and in order, and none is missing of those that were signed here."""
    layout = workspace.layout
    if not workspace.keeps_ledger:
        if layout.ledger.exists() or layout.review.exists() or layout.all_closed.exists():
            fix = "Restore it: without it, no entry can be checked or made."
            yield Finding("ledger", False, f"{layout.ledger_key} is not there, although a ledger was kept", fix)
        return
    from core.ledger.chain import entries, verify  # loads the signing libraries
    from core.ledger.keys import read_public  # loads the signing libraries

    key = read_public(layout.ledger_key)
    flaws = " ".join(verify(layout.ledger, key).flaws)
    fix = "Compare it with a head and a copy kept elsewhere. The next entry repairs an incomplete last line."
    yield Finding("ledger", not flaws, f"{layout.ledger}: {flaws}" if flaws else "whole", fix if flaws else "")
    if not flaws:
        entries(layout.ledger, key)  # which knows the head that was kept beside the keys
        yield _served(workspace)


def _served(workspace: Workspace) -> Finding:
    """Whether the adapter in use and what it works with are those of the last approval, if there is any."""
    from core.review.audit import NOT_APPROVED, serves_approved  # loads the signing libraries

    if serves_approved(workspace):
        return Finding("served adapter", True, "as approved, or none is approved yet")
    fix = "Find out who replaced it, and which data it was trained on."
    return Finding("served adapter", False, f"{NOT_APPROVED}.", fix)


def _runs(workspace: Workspace) -> Iterator[Finding]:
    """Lost and orphaned runs, and unlearned adapters of cancelled runs."""
    states = {run: run.status for run in runs(workspace)}
    for run, status in states.items():
        if status.state is RunState.LOST or is_orphaned(run):
            yield Finding(
                f"run {run.id}",
                False,
                status.message or ORPHANED,
                f"{command_line('resume', '-w', str(workspace.root), '--run', run.id)}, or cancel.",
            )
        elif status.state is RunState.CANCELLED and run.unlearned_adapter_paths:
            yield Finding(
                f"run {run.id}",
                False,
                "It was cancelled, but its unlearned adapter still exists.",
                f"Remove {', '.join(map(str, run.unlearned_adapter_paths))}.",
            )
    ended = sum(status.state in ENDED for status in states.values())
    yield Finding("runs", True, f"{ended} of {len(states)} ended")


def _dispatcher(workspace: Workspace) -> Iterator[Finding]:
    """Whether the process that starts waiting runs is at work where there are any."""
    for run, _ in next_in_line(store_of(workspace))[:1] if is_missing(workspace) else ():
        detail = fault(workspace) or "Runs wait, and the process that starts them is not at work."
        yield Finding(
            "dispatcher", False, detail, f"{command_line('resume', '-w', str(workspace.root), '--run', run)}."
        )


def _unfinished(workspace: Workspace) -> Iterator[Finding]:
    left = [path.relative_to(workspace.root) for path in staging_folders(workspace.root)]
    names = ", ".join(map(str, left)) or "nothing"
    yield Finding(
        "unfinished folders", not left, names, "Remove these folders if no command is writing to them." if left else ""
    )


CHECKS: dict[str, Callable[[Workspace], Iterator[Finding]]] = {
    "disk": _disk,
    "permissions": _permissions,
    "store": _store,  # these two first, since opening an empty database would make its tables
    "review": _review,
    "base": _base,
    "people": _people,
    "launchers": _launchers,
    "requests": _requests,
    "files": _files,
    "runs": _runs,
    "dispatcher": _dispatcher,
    "sealed copies": _sealed,
    "lost copies": _lost_copies,
    "ledger": _ledger,
    "unfinished folders": _unfinished,
}
