"""One worker a device: a lock of the operating system that falls with its process, whatever ends it."""

import fcntl
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import torch

from core.files import disk_error


def candidates(device: str) -> tuple[str, ...]:
    """The devices of this machine that a run on `device` may take, each by its full name."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return (device,)


def take(devices: Sequence[str]) -> tuple[str, IO[str]] | None:
    """The first free device and its lock, held until the file is closed; None while all are taken. Raises WorkspaceError."""
    for device in devices:
        file = _opened(_lock_file(device))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return device, file
        except BlockingIOError:
            file.close()
    return None


def free(devices: Sequence[str]) -> tuple[str, ...]:
    """Those that nobody holds at this moment."""
    found = []
    for device in devices:
        if taken := take((device,)):
            taken[1].close()
            found.append(device)
    return tuple(found)


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        return path.open("w")
    except OSError as error:
        raise disk_error(path, error) from error


def _lock_file(device: str) -> Path:
    """Machine-wide, for all workspaces of a user. CUDA_VISIBLE_DEVICES gives the same card other numbers: the card counts."""
    folder = Path(tempfile.gettempdir()) / f"cure-lens-{os.getuid()}"
    kind, _, number = device.partition(":")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    if kind == "cuda" and visible != [""]:
        number = visible[int(number)]
    return folder / f"{kind}{number}.lock"
