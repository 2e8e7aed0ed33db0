"""Checks of `python -m core doctor`: problems of this machine and of a workspace, each with its fix."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

import torch
from packaging.requirements import Requirement

from core.errors import RecordError
from core.review.cases import Cases
from core.runs.device_locks import candidates, free
from core.runs.handle import runs, store_of
from core.runs.submit import ORPHANED, is_orphaned
from core.types import ENDED, RunState
from core.utils.atomic_io import staging_folders
from core.utils.commands import DISTRIBUTION, command_line, install_line
from core.workspace import Workspace

SPARE = 2_000_000_000  # bytes of free disk; with less, a run may fail


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check.

    Attributes:
        name: Name of the check.
        ok: Whether there is no problem.
        said: The state that was found, or the problem.
        mend: How to fix the problem; empty if there is none.
    """

    name: str
    ok: bool
    said: str
    mend: str = ""


def examine(workspace: Workspace | None = None) -> tuple[Finding, ...]:
    """Run all checks.

    Args:
        workspace: Also check its disk, run store, runs, ledger, adapter in use, review and interrupted work.
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
    devices = candidates("auto")
    idle = free(devices)
    said = ", ".join(f"{name} ({'free' if name in idle else 'in use by a run'})" for name in devices)
    if torch.version.cuda and not torch.cuda.is_available():
        return Finding(
            "device",
            False,
            f"torch is built for CUDA but finds no GPU: {said}",
            "Check nvidia-smi and CUDA_VISIBLE_DEVICES.",
        )
    return Finding("device", True, said)


def _workspace(workspace: Workspace) -> Iterator[Finding]:
    yield _disk(workspace)
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
        "broken-off work", not left, names, "Remove these folders if no command is writing to them." if left else ""
    )


def _disk(workspace: Workspace) -> Finding:
    spare = shutil.disk_usage(workspace.root).free
    enough = spare >= SPARE
    return Finding(
        "disk", enough, f"{spare / 1e9:.1f} GB free", "" if enough else "Free disk space before the next run."
    )


def _store(workspace: Workspace) -> Finding:
    store = store_of(workspace)
    path, flaws = store.path, store.flaws()
    mend = (
        f"Move {path} and its -wal and -shm files away: ended runs stay readable, other runs must be started again."
        if flaws
        else ""
    )
    return Finding("store", not flaws, "; ".join(flaws) or "whole", mend)


def _ledger(workspace: Workspace) -> Finding:
    """Whether every entry is signed and in order."""
    from core.ledger.chain import verify  # loads the signing libraries
    from core.ledger.keys import read_public  # loads the signing libraries

    try:
        flaws = verify(workspace.layout.ledger, read_public(workspace.layout.ledger_key)).flaws
    except RecordError as error:
        flaws = (str(error),)
    mend = "Compare it with a head and a copy kept elsewhere. The next entry repairs an incomplete last line."
    return Finding("ledger", not flaws, " ".join(flaws) or "whole", mend if flaws else "")


def _served(workspace: Workspace) -> Finding:
    """Whether the adapter in use is the last approved one, if there is any."""
    from core.review.audit import serves_approved  # loads the signing libraries

    same = serves_approved(workspace)
    said = (
        "as approved, or none is approved yet" if same else "The adapter in use is not the one that was approved last."
    )
    return Finding(
        "served adapter", same, said, "" if same else "Find out who replaced it, and which data it was trained on."
    )


def _runs(workspace: Workspace) -> Iterator[Finding]:
    """Lost and orphaned runs, and candidate adapters of cancelled runs."""
    states = {folder: folder.status for folder in runs(workspace)}
    for folder, status in states.items():
        if status.state is RunState.LOST or is_orphaned(folder):
            yield Finding(
                f"run {folder.id}",
                False,
                status.message or ORPHANED,
                f"{command_line('resume', '-w', str(workspace.root), '--run', folder.id)}, or cancel.",
            )
        elif status.state is RunState.CANCELLED and folder.candidate:
            yield Finding(
                f"run {folder.id}",
                False,
                "It was cancelled, but its candidate adapter still exists.",
                f"Remove {', '.join(map(str, folder.candidate))}.",
            )
    ended = sum(status.state in ENDED for status in states.values())
    yield Finding("runs", True, f"{ended} of {len(states)} ended")
