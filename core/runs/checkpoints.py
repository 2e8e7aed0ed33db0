"""Checkpoints of a run's trainings: whole and proven by their digests, or as if they had never been.

checkpoint/PHASE-STEP/   tensors.safetensors  state.json  manifest.json (written last: the digests of the other two)
"""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from core.errors import WorkspaceError
from core.unlearning.trainer import State
from core.utils.atomic_io import disk_error, write_bytes
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json

EVERY = 30.0  # seconds between two checkpoints
KEPT = 2  # of each training: where the last one is damaged, the one before it serves
SPARE = 50_000_000  # bytes that must stay free beside a checkpoint


class Checkpoints:
    """The keeper of one attempt at a run. The trainings of every attempt come in the same order, so a number names each.

    every: seconds between two checkpoints. Raises WorkspaceError where the disk has no room.
    """

    def __init__(self, folder: Path, every: float = EVERY) -> None:
        self.folder, self.every, self.phases, self.last = folder, every, 0, time.monotonic()
        for part in folder.glob(".*.part"):
            shutil.rmtree(part)

    def phase(self) -> int:
        self.phases += 1
        return self.phases

    def latest(self, phase: int) -> State | None:
        """The newest whole checkpoint of a training; a damaged one is removed."""
        for path in reversed(self._of(phase)):
            if (state := _read(path)) is not None:
                return state
            shutil.rmtree(path)
        return None

    def keep(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        if not last and time.monotonic() - self.last < self.every:
            return
        self._write(self.folder / f"{phase:02d}-{number:07d}", state())
        for old in self._of(phase)[:-KEPT]:
            shutil.rmtree(old)
        self.last = time.monotonic()

    def _of(self, phase: int) -> list[Path]:
        return sorted(self.folder.glob(f"{phase:02d}-*"))

    def _write(self, target: Path, state: State) -> None:
        tensors: dict[str, Tensor] = {}
        plain = _apart(state, tensors)
        weights = save(tensors)
        part = target.with_name(f".{target.name}.part")
        try:
            part.mkdir(parents=True)
            check_room(part, len(weights))
            write_bytes(part / "tensors.safetensors", weights)
            write_json(part / "state.json", plain)
            write_json(part / "manifest.json", _digests(part))
            part.rename(target)
            _sync(self.folder)
        except OSError as error:
            raise disk_error(target, error) from error
        finally:
            shutil.rmtree(part, ignore_errors=True)


class Reader(Checkpoints):
    """The keeper of a process that follows another one: it goes on where that one does, and writes nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.phases = folder, 0

    def latest(self, phase: int) -> State | None:
        found = map(_read, reversed(self._of(phase)))
        return next((state for state in found if state is not None), None)

    def keep(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        pass


def _read(path: Path) -> State | None:
    """What a checkpoint holds; None where a file of it is missing or is not what was written."""
    try:
        if read_json(path / "manifest.json") != _digests(path):
            return None
        return _together(read_json(path / "state.json"), load_file(path / "tensors.safetensors"))
    except (WorkspaceError, OSError):
        return None


def check_room(folder: Path, size: int) -> None:
    """Raises WorkspaceError where the disk that holds `folder` has no room for so many bytes beside what must stay free."""
    if shutil.disk_usage(folder).free < size + SPARE:
        raise WorkspaceError(f"The disk that holds {folder} is full: free some space and resume the run.")


def _digests(path: Path) -> dict[str, str]:
    return {name: sha256_of_file(path / name) for name in ("tensors.safetensors", "state.json")}


def _apart(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON of `value` in which every tensor is a reference into `tensors`."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        return {key: _apart(item, tensors) for key, item in value.items()}
    return [_apart(item, tensors) for item in value] if isinstance(value, list | tuple) else value


def _together(value: Any, tensors: dict[str, Tensor]) -> Any:
    """The inverse of `_apart`."""
    if isinstance(value, dict):
        if value.keys() == {"tensor"}:
            return tensors[value["tensor"]]
        return {key: _together(item, tensors) for key, item in value.items()}
    return [_together(item, tensors) for item in value] if isinstance(value, list) else value


def _sync(folder: Path) -> None:
    """A rename is on disk once its folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
