"""Paths of a run, the files in the folder `runs/ID` of a workspace, of an adapter, and of a training of references."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.utils.atomic_io import staging
from core.utils.hashing import sha256_of_file

ADAPTER_CONFIG = "adapter_config.json"  # both as PEFT calls them
WEIGHTS = "adapter_model.safetensors"


def holds_tensors(name: str) -> bool:
    """Whether a file holds tensors: weights, edge scores, kept answers, or the state of a training."""
    return name.endswith(".safetensors")


@dataclass(frozen=True, slots=True)
class CheckpointLayout:
    """Paths of one checkpoint.

    Attributes:
        path: The folder of the checkpoint.
    """

    path: Path

    @property
    def tensors(self) -> Path:
        """The tensors of the training's state."""
        return self.path / "tensors.safetensors"

    @property
    def state(self) -> Path:
        """The rest of the training's state, as JSON."""
        return self.path / "state.json"

    @property
    def manifest(self) -> Path:
        """The digests of the other two files; written last."""
        return self.path / "manifest.json"


@dataclass(frozen=True, slots=True)
class RunLayout:
    """Paths inside the folder of one run.

    Attributes:
        path: The run's folder, `runs/ID` of a workspace.
    """

    path: Path

    @property
    def workspace_root(self) -> Path:
        """The workspace that the run belongs to."""
        return self.path.parents[1]

    @property
    def spec(self) -> Path:
        """What the run was asked to do; written once, before the worker starts."""
        return self.path / "spec.json"

    @property
    def status(self) -> Path:
        """How the run ended. While it waits or runs, only the store knows its state."""
        return self.path / "status.json"

    @property
    def events(self) -> Path:
        """One JSON line for each attempt, stage, step and saved adapter."""
        return self.path / "events.jsonl"

    @property
    def job(self) -> Path:
        """The launcher's id of the job."""
        return self.path / "job.txt"

    @property
    def log(self) -> Path:
        """Standard output and standard error of the worker."""
        return self.path / "log.txt"

    @property
    def slurm(self) -> Path:
        """The folder of submitit's own files in runs of version 0.2.0 and earlier."""
        return self.path / "slurm"

    @property
    def reserve(self) -> Path:
        """Space that is freed for the last status of a run whose disk is full."""
        return self.path / "reserve"

    @property
    def checkpoint(self) -> Path:
        """Checkpoints of the run's trainings; removed when the run ends."""
        return self.path / "checkpoint"

    @property
    def forget(self) -> Path:
        """The circuit of the forget set."""
        return self.path / "forget.json"

    @property
    def retain(self) -> Path:
        """The circuit of the retain set."""
        return self.path / "retain.json"

    @property
    def scores(self) -> Path:
        """Attribution scores of every edge, both sets."""
        return self.path / "circuit.safetensors"

    @property
    def direct_effects(self) -> Path:
        """Titles that each module raises and lowers most."""
        return self.path / "toward.json"

    @property
    def groups(self) -> Path:
        """The group of each module."""
        return self.path / "groups.json"

    @property
    def memory(self) -> Path:
        """The memory contrast of each module, where the method uses it."""
        return self.path / "memory.json"

    @property
    def outcome(self) -> Path:
        """How unlearning ended."""
        return self.path / "outcome.json"

    @property
    def adapter(self) -> Path:
        """The unlearned adapter."""
        return self.path / "adapter"

    @property
    def weights(self) -> Path:
        """The weights of the unlearned adapter."""
        return AdapterLayout(self.adapter).weights

    @property
    def adapter_config(self) -> Path:
        """The PEFT config of the unlearned adapter."""
        return AdapterLayout(self.adapter).config

    @property
    def evaluation(self) -> Path:
        """Metrics of the original, the unlearned and the reference models."""
        return self.path / "evaluation.json"

    @property
    def report(self) -> Path:
        """The report without names and titles."""
        return self.path / "report.html"

    @property
    def reviewer_report(self) -> Path:
        """The report with names and titles: personal data."""
        return self.path / "reviewer.html"

    @property
    def report_numbers(self) -> Path:
        """The report's numbers for scripts."""
        return self.path / "report.json"

    @property
    def overlap(self) -> Path:
        """Overlap of every other user's top list before and after."""
        return self.path / "overlap.json"

    @property
    def overlap_status(self) -> Path:
        """Progress of the command that writes `overlap`."""
        return self.path / "overlap-status.json"

    @property
    def verification(self) -> Path:
        """The result of the last verification."""
        return self.path / "verification.json"

    @property
    def bundle(self) -> Path:
        """All that the last verification's verdict was computed from, without ids."""
        return self.path / "bundle.json"

    @property
    def time_stamped(self) -> tuple[Path, ...]:
        """The files with times or durations; two runs with the same seeds differ in them."""
        return (
            self.status, self.overlap_status, self.events, self.log, self.report, self.reviewer_report,
            self.report_numbers,
        )  # fmt: skip

    @property
    def unlearned_adapter_paths(self) -> tuple[Path, ...]:
        """The unlearned adapter and everything that it could be made from again."""
        return self.adapter, staging(self.adapter), self.checkpoint

    @property
    def evidence(self) -> tuple[Path, ...]:
        """The files that a decision rests on, in the order in which they are hashed."""
        return (
            self.spec, self.adapter_config, self.weights, self.outcome, self.evaluation,
            self.report_numbers, self.report, self.reviewer_report, self.verification,
        )  # fmt: skip

    def leftovers(self) -> Iterator[Path]:
        """Temporary files that a killed worker left behind, and the reserve."""
        yield from (path for path in (*self.path.glob(".*"), self.reserve) if path.is_file())


@dataclass(frozen=True, slots=True)
class AdapterLayout:
    """Paths inside the folder of an adapter, as PEFT writes it.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def weights(self) -> Path:
        """The weights."""
        return self.path / WEIGHTS

    @property
    def config(self) -> Path:
        """The PEFT config."""
        return self.path / ADAPTER_CONFIG

    def digests(self) -> dict[str, str]:
        """SHA-256 of what decides what an adapter computes, by "weights" and "config"."""
        return {"weights": sha256_of_file(self.weights), "config": sha256_of_file(self.config)}

    def answers(self, kind: str) -> Path:
        """The kept answers of a reference to one kind of question."""
        return self.path / f"answers-{kind}.safetensors"

    @property
    def is_finished(self) -> bool:
        """Whether the folder holds an adapter, or at least the answers that were kept of it."""
        return self.weights.is_file() or any(self.answer_files())

    def answer_files(self, kind: str = "") -> Iterator[Path]:
        """All files with kept answers to questions whose kind begins with `kind`."""
        return self.path.glob(self.answers(f"{kind}*").name)


@dataclass(frozen=True, slots=True)
class TrainingLayout:
    """Paths of the training of one request's references.

    Attributes:
        path: The folder of the references.
    """

    path: Path

    @property
    def status(self) -> Path:
        """How far the training is."""
        return self.path / "training.json"

    @property
    def log(self) -> Path:
        """Standard output and standard error of the process."""
        return self.path / "training.log"

    @property
    def lock(self) -> Path:
        """The lock of whoever starts, stops or ends the training."""
        return self.path / "training.lock"

    @property
    def stop(self) -> Path:
        """A mark that somebody asked to stop."""
        return self.path / "training.stop"
