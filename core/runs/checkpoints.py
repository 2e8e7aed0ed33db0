"""Checkpoints of a run's trainings: each is complete and verified by its digests, or ignored.

checkpoint/PHASE-STEP/   one checkpoint, see CheckpointLayout

A checkpoint is written into a hidden folder and renamed when it is complete, so a killed worker leaves no partial one.
A training is named by its number, because the trainings of every attempt at a run come in the same order.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from core.errors import WorkspaceError
from core.unlearning.training_types import State
from core.utils.atomic_io import (
    disk_error,
    folder_at,
    make_private_folder,
    move,
    remove_folder,
    staging,
    write_bytes,
)
from core.utils.serialization import parse_json, read_file, read_json, write_json
from core.workspace.run_layout import CheckpointLayout

EVERY = 30.0  # seconds between two checkpoints
KEPT = 2  # checkpoints of each training: if the last is damaged, the one before it is used
SPARE = 50_000_000  # bytes that must stay free beside a checkpoint


Mark = Callable[..., str]


def unmarked(*_words: str) -> str:
    """The mark where no ledger is kept."""
    return ""


class Checkpoints:
    """Checkpointer of one attempt at a run.

    Attributes:
        folder: The folder of all checkpoints of the run.
        every: Seconds between two checkpoints.
        phases: Trainings that have begun.
        last: Time of the last checkpoint, by `time.monotonic`.
        inputs: Digest of what the trainings learn from; "" where it is not told.
        mark: Makes a code of some words that only the holder of the ledger's keys can make; "" without a ledger.
    """

    def __init__(self, folder: Path, every: float = EVERY, mark: Mark = unmarked) -> None:
        self.folder, self.every, self.phases, self.last, self.mark = folder, every, 0, time.monotonic(), mark
        self.inputs = ""
        for part in folder.glob(".*.part"):
            remove_folder(part)

    def bind(self, inputs: str) -> None:
        """Keep and return only checkpoints of trainings on these inputs; others are told apart by the mark."""
        self.inputs = inputs

    def phase(self) -> int:
        """Begin the next training and return its number, from 1."""
        self.phases += 1
        return self.phases

    def latest(self, phase: int) -> State | None:
        """Return the newest complete checkpoint of a training and remove damaged ones after it."""
        for path in reversed(self._of(phase)):
            if (state := self._read(path)) is not None:
                return state
            remove_folder(path)
        return None

    def save_if_due(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        """Write a checkpoint if it is due.

        Args:
            phase: Number of the training.
            number: Steps taken.
            state: Makes the state; it is called only if the checkpoint is due.
            last: Whether this is the last step, whose checkpoint is always due.

        Raises:
            WorkspaceError: The disk is full or refuses the write.
        """
        if not last and time.monotonic() - self.last < self.every:
            return
        self._write(self.folder / f"{phase:02d}-{number:07d}", state())
        for old in self._of(phase)[:-KEPT]:
            remove_folder(old)
        self.last = time.monotonic()

    def _of(self, phase: int) -> list[Path]:
        return sorted(self.folder.glob(f"{phase:02d}-*"))

    def _write(self, target: Path, state: State) -> None:
        tensors: dict[str, Tensor] = {}
        plain = _split(state, tensors)
        weights = save(tensors)
        part = staging(target)
        try:
            make_private_folder(part)
            check_room(part, len(weights))
            files = CheckpointLayout(part)
            write_bytes(files.tensors, weights)
            written = {files.tensors.name: weights, files.state.name: write_json(files.state, plain)}
            write_json(files.manifest, self._manifest(target.name, written))
            move(part, target)
            _sync(self.folder)
        except OSError as error:
            raise disk_error(target, error) from error
        finally:
            with suppress(WorkspaceError):
                remove_folder(part)

    def _read(self, path: Path) -> State | None:
        """Read a checkpoint; None if a file is missing, or a digest or the mark differs."""
        files = CheckpointLayout(path)
        try:
            tensors, plain = read_file(files.tensors), read_file(files.state)  # once: what is checked is what is used
            contents = {files.tensors.name: tensors, files.state.name: plain}
            if read_json(files.manifest) != self._manifest(path.name, contents):
                return None
            state: State = _join(parse_json(plain, None, files.state), load(tensors))
            return state
        except (WorkspaceError, OSError):
            return None

    def _manifest(self, name: str, contents: Mapping[str, bytes]) -> dict[str, str]:
        """Digests of the files, and a mark of these, of the checkpoint's name and of the inputs of the training."""
        digests = {file: hashlib.sha256(content).hexdigest() for file, content in contents.items()}
        return digests | {"mark": self.mark(name, *digests.values(), *filter(None, [self.inputs]))}


class CheckpointReader(Checkpoints):
    """Checkpointer of a further process of a distributed run: it reads the checkpoints and changes nothing."""

    def __init__(self, folder: Path, mark: Mark = unmarked) -> None:
        self.folder, self.phases, self.mark, self.inputs = folder, 0, mark, ""

    def latest(self, phase: int) -> State | None:
        """Return the newest complete checkpoint of a training."""
        states = map(self._read, reversed(self._of(phase)))
        return next((state for state in states if state is not None), None)

    def save_if_due(self, phase: int, number: int, state: Callable[[], State], last: bool) -> None:
        """Write nothing: the process of rank 0 writes the checkpoints."""


def check_room(folder: Path, size: int) -> None:
    """Check that the disk that holds `folder` has room for `size` bytes beside SPARE.

    Raises:
        WorkspaceError: The disk is full.
    """
    if shutil.disk_usage(folder).free < size + SPARE:
        raise WorkspaceError(f"The disk that holds {folder} is full: free some space and resume the run.")


def _split(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Return `value` as JSON in which each tensor is a reference into `tensors`, and fill `tensors`."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        return {"tensor": name}
    if isinstance(value, dict):
        return {key: _split(item, tensors) for key, item in value.items()}
    return [_split(item, tensors) for item in value] if isinstance(value, list | tuple) else value


def _join(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Put the tensors back; the inverse of `_split`."""
    if isinstance(value, dict):
        if value.keys() == {"tensor"}:
            return tensors[value["tensor"]]
        return {key: _join(item, tensors) for key, item in value.items()}
    return [_join(item, tensors) for item in value] if isinstance(value, list) else value


def _sync(folder: Path) -> None:
    """Flush the folder: a rename reaches the disk with it."""
    with folder_at(folder) as handle:
        os.fsync(handle)
