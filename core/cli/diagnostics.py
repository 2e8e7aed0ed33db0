"""Checks of `python -m core doctor`: problems of this machine and of a workspace, each with its fix."""

import sys
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import torch
from packaging.requirements import Requirement

from core.cli.finding import Finding, guarded
from core.cli.workspace_checks import check_workspace
from core.runs.device_locks import free, usable_devices
from core.utils.commands import DISTRIBUTION, install_line
from core.workspace import Workspace


def examine(root: Path | None = None) -> tuple[Finding, ...]:
    """Run all checks.

    Args:
        root: Also check this workspace: its disk, permissions, launchers, files, base model, run store, runs,
            dispatcher, ledger, adapter in use, review and interrupted work.
    """
    found = [_versions(), _device()]
    if root:
        found += guarded("workspace", lambda: check_workspace(Workspace(root)))
    # A damaged file is found by each check that reads it.
    return tuple({one.name if one.ok else one.detail: one for one in reversed(found)}.values())[::-1]


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
