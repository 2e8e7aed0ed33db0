"""Checks of `python -m core doctor`: problems of this machine and of a workspace, each with its fix."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, requires, version

import torch
from packaging.requirements import Requirement

from core.errors import LedgerError
from core.models.known_bases import absent_base
from core.review.cases import Cases
from core.runs.device_locks import free, usable_devices
from core.runs.handle import runs, store_of
from core.runs.submit import ORPHANED, is_orphaned
from core.types import ENDED, RunState
from core.types.aliases import stored_as
from core.utils.atomic_io import staging_folders
from core.utils.commands import DISTRIBUTION, command_line, install_line
from core.workspace import Workspace
from core.workspace.disk import MIN_FREE_BYTES, free_bytes


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check.

    Attributes:
        name: Name of the check.
        ok: Whether there is no problem.
        detail: The state that was found, or the problem.
        fix: How to fix the problem; empty if there is none.
    """

    name: str
    ok: bool
    detail: str = field(metadata=stored_as("said"))
    fix: str = field(default="", metadata=stored_as("mend"))


def examine(workspace: Workspace | None = None) -> tuple[Finding, ...]:
    """Run all checks.

    Args:
        workspace: Also check its disk, permissions, base model, run store, runs, ledger, adapter in use, review and
            interrupted work.
    """
    found = [_versions(), _device()]
    return (*found, *(_workspace(workspace) if workspace else ()))


def _versions() -> Finding:
    python = ".".join(map(str, sys.version_info[:3]))
    wrong = [text for text in map(_wrong, requires(DISTRIBUTION) or ()) if text]
    if wrong:
        return Finding(
            "versions", False, "; ".join(wrong), f"Install the missing versions: {install_line(upgrade=True)}."
        )
    return Finding(
        "versions", True, f"Python {python}, torch {version('torch')}, transformers {version('transformers')}"
    )


def _wrong(line: str) -> str:
    """The problem with one requirement of this package, or an empty text; extras are not checked."""
    wanted = Requirement(line)
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        return ""
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    return (
        ""
        if wanted.specifier.contains(found, prereleases=True)
        else f"{wanted.name} is {found}, not {wanted.specifier}"
    )


def _device() -> Finding:
    """The devices that a run with --device auto may use."""
    devices = usable_devices("auto")
    idle = free(devices)
    detail = ", ".join(f"{name} ({'free' if name in idle else 'in use by a run'})" for name in devices)
    if torch.version.cuda and not torch.cuda.is_available():
        return Finding(
            "device",
            False,
            f"torch is built for CUDA but finds no GPU: {detail}",
            "Check nvidia-smi and CUDA_VISIBLE_DEVICES.",
        )
    return Finding("device", True, detail)


def _workspace(workspace: Workspace) -> Iterator[Finding]:
    yield _disk(workspace)
    yield _permissions(workspace)
    if base := absent_base(workspace.settings.base):
        yield Finding("base", False, f"{base.title} is not on this machine", f"Run {base.fetch}.")
    yield (store := _store(workspace))
    if store.ok:
        yield from _runs(workspace)
    if workspace.layout.ledger_key.is_file():
        yield (ledger := _ledger(workspace))
        if ledger.ok:
            yield _served(workspace)
    if case := Cases(workspace).approved():
        fix = command_line("review", "settle", "-w", str(workspace.root))
        yield Finding(f"request {case.request}", False, "approved, but not yet fully carried out", fix)
    left = [path.relative_to(workspace.root) for path in staging_folders(workspace.root)]
    names = ", ".join(map(str, left)) or "nothing"
    yield Finding(
        "unfinished folders", not left, names, "Remove these folders if no command is writing to them." if left else ""
    )


def _disk(workspace: Workspace) -> Finding:
    left = free_bytes(workspace)
    enough = left >= MIN_FREE_BYTES
    return Finding(
        "disk", enough, f"{left / 1e9:.1f} GB free", "" if enough else "Free disk space before the next run."
    )


def _permissions(workspace: Workspace) -> Finding:
    """Whether only its owner, or the owner's group, can open the workspace: its files name people."""
    root = workspace.root
    if root.stat().st_mode & 0o007:
        fix = f"Run chmod 700 {root}, or chmod 770 where a group works with it."
        return Finding("permissions", False, f"every user of this machine can open {root}", fix)
    return Finding("permissions", True, "closed to other users")


def _store(workspace: Workspace) -> Finding:
    store = store_of(workspace)
    path, flaws = store.path, store.flaws()
    fix = (
        f"Move {path} and its -wal and -shm files away: ended runs stay readable, other runs must be started again."
        if flaws
        else ""
    )
    return Finding("store", not flaws, "; ".join(flaws) or "whole", fix)


def _ledger(workspace: Workspace) -> Finding:
    """Whether every entry is signed and in order."""
    from core.ledger.chain import verify  # loads the signing libraries
    from core.ledger.keys import read_public  # loads the signing libraries

    try:
        flaws = verify(workspace.layout.ledger, read_public(workspace.layout.ledger_key)).flaws
    except LedgerError as error:
        flaws = (str(error),)
    fix = "Compare it with a head and a copy kept elsewhere. The next entry repairs an incomplete last line."
    return Finding("ledger", not flaws, " ".join(flaws) or "whole", fix if flaws else "")


def _served(workspace: Workspace) -> Finding:
    """Whether the adapter in use is the last approved one, if there is any."""
    from core.review.audit import serves_approved  # loads the signing libraries

    same = serves_approved(workspace)
    detail = (
        "as approved, or none is approved yet" if same else "The adapter in use is not the one that was approved last."
    )
    return Finding(
        "served adapter", same, detail, "" if same else "Find out who replaced it, and which data it was trained on."
    )


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
