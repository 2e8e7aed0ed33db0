"""A process that helps another one with its run: it computes its part of every training, and writes nothing."""

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.models import distributed
from core.pipeline.stages import Found, run
from core.runs.checkpoints import Reader
from core.runs.run_folder import RunFolder
from core.types import RunState
from core.unlearning.trainer import Step


def follow(folder: RunFolder) -> RunState:
    """Wait until the first process says which device is whose, and work with it until the request is unlearned."""
    number = distributed.broadcast([0] * distributed.size())[distributed.rank()]
    spec = replace(folder.spec, device="cpu" if number < 0 else f"cuda:{number}")
    with tempfile.TemporaryDirectory() as nowhere, suppress(Unlearned):
        keeper = Reader(folder.layout.checkpoint)
        run(folder.workspace, spec, Path(nowhere), Follower(folder), keeper)
    return RunState.DONE


class Unlearned(Exception):
    """The part that processes do together is over."""


class Follower:
    """Watches on behalf of nobody."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def stage(self, name: str) -> None:
        if name == "evaluation":
            raise Unlearned

    def progress(self, share: float) -> None: ...

    def step(self, step: Step) -> None: ...

    def keep(self, name: str, value: Any) -> None: ...

    def kept(self) -> Found | None:
        return found_in(self.folder)


def found_in(folder: RunFolder) -> Found | None:
    """The circuits and groups of an earlier attempt; the groups were written last."""
    circuits, groups = folder.circuits, folder.groups
    return (circuits, groups) if circuits and groups else None
