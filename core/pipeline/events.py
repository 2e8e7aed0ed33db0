"""Events of a run, and the protocol of the observer that receives them.

The stages of a run write no file. They hand each result to the observer of the run as one of the events below, as soon
as they have it. The worker's observer (core/runs/folder_observer.py) turns them into the files of the run folder and
into the status of the run.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core.circuit.attribution import Attribution
from core.grouping.assign import GroupingResult
from core.models.recommender import Recommender
from core.types import Circuit, DirectEffect, Evaluation, MemoryContrast, ModuleGroup, Outcome, Split
from core.unlearning.training_types import Step
from core.utils.serialization import read_file


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins; `name` is a key of `stages.STAGES`."""

    name: str


@dataclass(frozen=True, slots=True)
class StageProgress:
    """The share of the current stage that is done, from 0 to 1."""

    share: float


@dataclass(frozen=True, slots=True)
class StepTaken:
    """The unlearning or the retraining took one step."""

    step: Step


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """A model is on its device: the original, the one to retrain, or a retrained reference."""

    recommender: Recommender


@dataclass(frozen=True, slots=True)
class DataRead:
    """The original adapter is loaded, and the data are read: `split` is how the request divides them.

    Attributes:
        adapter: SHA-256 of the "weights" and the "config" that were loaded.
        split: The sets of prompts that all stages of the run share.
    """

    adapter: Mapping[str, str]
    split: Split


@dataclass(frozen=True, slots=True)
class CircuitsFound:
    """The circuits of the forget set and of the retain set, with their scores."""

    circuits: tuple[Circuit, Circuit]
    scores: tuple[Attribution, Attribution]


@dataclass(frozen=True, slots=True)
class DirectEffectsFound:
    """The titles whose score each module raises and lowers most, for the forgotten users."""

    effects: tuple[DirectEffect, ...]


@dataclass(frozen=True, slots=True)
class MemoryFound:
    """The memory contrast of each module."""

    rows: tuple[MemoryContrast, ...]


@dataclass(frozen=True, slots=True)
class GroupsAssigned:
    """The group of each module, by circuit."""

    groups: tuple[ModuleGroup, ...]


@dataclass(frozen=True, slots=True)
class RetrainingStarted:
    """A new adapter is about to learn from these inputs; `inputs` is their digest (`training_inputs`)."""

    inputs: str


@dataclass(frozen=True, slots=True)
class Unlearned:
    """The adapter of `recommender` has forgotten the request; nothing of it is on the disk yet."""

    recommender: Recommender
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class AdapterSaved:
    """The unlearned adapter is on the disk; `digests` holds the SHA-256 of its "weights" and its "config".

    An observer that saves the adapter sends this event to itself.
    """

    digests: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The unlearned model is compared with the original and with the retrained references."""

    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class ReportBuilt:
    """The report of the run.

    Attributes:
        html: The page without names and titles.
        reviewer_html: The page with names and titles: personal data.
        numbers: The report for a script, ready for JSON.
    """

    html: str
    reviewer_html: str
    numbers: dict[str, Any]


LiveEvent = StageStarted | StageProgress | StepTaken | ModelLoaded
ResultEvent = (
    DataRead
    | CircuitsFound
    | DirectEffectsFound
    | MemoryFound
    | GroupsAssigned
    | RetrainingStarted
    | Unlearned
    | AdapterSaved
    | Evaluated
    | ReportBuilt
)
RunEvent = LiveEvent | ResultEvent


class RunObserver(Protocol):
    """Receives the events of one run, in order."""

    def on_event(self, event: RunEvent) -> None:
        """Handle one event.

        Raises:
            CancelledError: A person stopped the run.
        """

    def earlier_result(self) -> GroupingResult | None:
        """Return the circuits and groups that an interrupted attempt at this run found; None if it found none."""

    def read_source(self, path: Path) -> bytes:
        """Read a file of the run whose groups were edited.

        Raises:
            RunError: It is not the file that was signed.
        """


class NullObserver:
    """Observer that does nothing; a subclass overrides the reaction that it needs."""

    def on_event(self, event: RunEvent) -> None:
        """Ignore the event."""

    def earlier_result(self) -> GroupingResult | None:
        """Return None: there was no earlier attempt."""
        return None

    def read_source(self, path: Path) -> bytes:
        """Read the file as it stands."""
        return read_file(path)


class StageTimer:
    """Announces each stage to the observer and measures its duration.

    Attributes:
        observer: The observer of the run.
        seconds: Duration of each finished stage.
    """

    def __init__(self, observer: RunObserver) -> None:
        self.observer = observer
        self.seconds: dict[str, float] = {}
        self._started, self._name = time.monotonic(), ""

    def stage(self, name: str) -> None:
        """End the current stage and announce the next one."""
        now = time.monotonic()
        if self._name:
            self.seconds[self._name] = now - self._started
        self._name, self._started = name, now
        self.observer.on_event(StageStarted(name))

    def progress(self, share: float) -> None:
        """Announce the share of the current stage that is done."""
        self.observer.on_event(StageProgress(share))
