"""Every file of a workspace, with the reader that tells whether it is whole, and whether it must be there."""

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core.data.interaction_files import open_interactions
from core.errors import CureLensError, DamagedError
from core.models.base_fit import weight_files
from core.models.base_parts import load_tokenizer
from core.models.hub import resolve
from core.models.known_bases import known_bases
from core.models.lora_recipe import config_of_recipe
from core.models.validation import read_config
from core.runs.adapter_identity import is_recorded_adapter, recorded_digests
from core.runs.bundle import read_bundle
from core.runs.handle import RunHandle
from core.runs.ledger import NullLedger
from core.types import (
    ENDED,
    Circuit,
    ClosedRequest,
    DirectEffect,
    Evaluation,
    Item,
    MemoryContrast,
    ModuleGroup,
    Outcome,
    Overlap,
    ReferenceTraining,
    RunState,
    RunStatus,
    UserSplit,
    Verification,
)
from core.utils.serialization import read_file, read_json, read_json_lines
from core.workspace import Workspace
from core.workspace.ids import require_own_name
from core.workspace.run_layout import AdapterLayout, TrainingLayout
from core.workspace.visits import read_visit

BASE_CONFIG = "config.json"  # as Hugging Face calls it
Reader = Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a workspace, or one folder that is read whole.

    Attributes:
        path: The file.
        read: Reads it, and raises CureLensError where it is damaged.
        why: Why it must be there, as the end of a sentence; "" where it may be absent.
        folder: Whether it is a folder.
    """

    path: Path
    read: Reader
    why: str = ""
    folder: bool = False


def parts(workspace: Workspace, rejected: Collection[str]) -> Iterator[Part]:
    """All files that the layout knows, whether they exist or not; `_unread` takes those that other checks read.

    Args:
        workspace: The workspace.
        rejected: Ids of the rejected runs, whose adapters are destroyed.
    """
    layout, always = workspace.layout, "every workspace has one"
    yield Part(layout.settings, lambda _: workspace.settings, always)
    yield Part(layout.items, _read_items, always)
    yield Part(layout.interactions, _read_interactions, always)
    yield Part(layout.user_split, partial(read_json, kind=UserSplit), always)
    yield Part(layout.templates, lambda _: workspace.template)
    yield Part(layout.recipe, lambda path: config_of_recipe(read_file(path), path))
    databases = (*layout.store_files(), *layout.review_files())
    for path in (*databases, layout.ledger, layout.ledger_key, layout.manifest, layout.work_lock, layout.review_lock):
        yield Part(path, _unread)
    yield Part(layout.dispatcher_log, _unread)
    for path in layout.requests.glob("*.json"):
        yield _request(workspace, path)
    for path in layout.all_closed.glob("*.json"):
        yield Part(path, _read_closed)
    for path in layout.visits.glob("*.json"):
        yield Part(path, read_visit)
    yield from _models(workspace)
    yield from _references(workspace)
    for folder in layout.run_folders():
        yield from _run(workspace, RunHandle(folder), folder.name in rejected)


def free_folders(workspace: Workspace) -> tuple[Path, ...]:
    """Folders in which other tools may keep files of their own."""
    layout, runs = workspace.layout, [RunHandle(folder).layout for folder in workspace.layout.run_folders()]
    own = (folder for run in runs for folder in (run.adapter, run.checkpoint, run.slurm))
    return layout.base, *layout.adapters(), layout.all_references, layout.sealed, layout.mlflow, *own


def read_by_name(path: Path) -> None:
    """Read a file of which only the ending tells what it holds."""
    readers: dict[str, Reader] = {".json": read_json, ".safetensors": read_tensors}
    readers.get(path.suffix, _unread)(path)


def read_tensors(path: Path) -> None:
    """Read the header of a safetensors file, which tells the length of the whole file."""
    from safetensors import SafetensorError, safe_open  # takes a tenth of a second

    try:
        with safe_open(path, framework="np"):
            pass
    except (SafetensorError, OSError) as error:
        raise DamagedError(f"{path} is damaged ({error}): restore it or create it again.") from None


# ------------------------------------------------------------ the parts


def _request(workspace: Workspace, path: Path, why: str = "") -> Part:
    return Part(path, lambda path: workspace.request(path.stem), why)


def _models(workspace: Workspace) -> Iterator[Part]:
    """The base model and the adapters, as far as they lie in the workspace."""
    with suppress(CureLensError):  # the settings are a part of their own
        settings, root = workspace.settings, workspace.root
        if settings.base_revision is None and settings.base not in known_bases():
            yield Part(root / settings.base / BASE_CONFIG, read_config, "it belongs to the base model")
            yield Part(root / settings.base, _read_base, "it is the base model", folder=True)
        yield from _adapter(AdapterLayout(root / settings.adapter), "it belongs to the adapter in use")
    for folder in workspace.layout.adapters():
        yield from _adapter(AdapterLayout(folder), "it belongs to an adapter")


def _adapter(layout: AdapterLayout, why: str) -> Iterator[Part]:
    yield Part(layout.config, read_config, why)
    yield Part(layout.weights, read_tensors, why)


def _references(workspace: Workspace) -> Iterator[Part]:
    for folder in filter(Path.is_dir, workspace.layout.all_references.glob("[!.]*")):
        training = TrainingLayout(folder)
        yield Part(training.status, partial(read_json, kind=ReferenceTraining))
        if seeds := [AdapterLayout(path) for path in folder.glob("seed-*")]:
            yield _request(workspace, workspace.layout.requests / f"{folder.name}.json", "it has references")
        for seed in seeds:
            yield Part(seed.config, read_config, "it belongs to a reference")
            yield Part(seed.weights, read_tensors, "" if any(seed.answer_files()) else "it belongs to a reference")


def _run(workspace: Workspace, run: RunHandle, rejected: bool) -> Iterator[Part]:
    layout, done = run.layout, f"run {run.id} is done" if _is_done(run) else ""
    yield Part(layout.spec, lambda _: run.spec, "every run has one")
    yield Part(layout.outcome, partial(read_json, kind=Outcome))
    with suppress(CureLensError):  # the spec is a part of its own
        yield _request(workspace, workspace.layout.request(run.spec.request), f"run {run.id} is for it")
        yield Part(layout.outcome, read_json, "" if run.spec.is_external else done)
    yield Part(layout.status, _read_status, done)
    yield Part(layout.events, lambda _: _read_events(run, bool(done)), done)
    yield from (Part(path, _unread) for path in (layout.job, layout.log, layout.reserve))
    circuit = done if any(map(Path.is_file, (layout.forget, layout.retain, layout.scores))) else ""
    yield Part(layout.forget, partial(read_json, kind=Circuit), circuit)
    yield Part(layout.retain, partial(read_json, kind=Circuit), circuit)
    yield Part(layout.scores, read_tensors, circuit)
    yield Part(layout.groups, partial(read_json, kind=tuple[ModuleGroup, ...]), circuit)
    yield Part(layout.direct_effects, partial(read_json, kind=tuple[DirectEffect, ...]))
    yield Part(layout.memory, partial(read_json, kind=tuple[MemoryContrast, ...]))
    yield from _adapter(AdapterLayout(layout.adapter), "" if rejected else done)
    yield Part(layout.evaluation, partial(read_json, kind=Evaluation), done)
    yield Part(layout.report_numbers, partial(read_json, kind=dict[str, Any]), done)
    yield from (Part(path, _read_page, done) for path in (layout.report, layout.reviewer_report))
    yield Part(layout.overlap, partial(read_json, kind=tuple[Overlap, ...]))
    yield Part(layout.overlap_status, partial(read_json, kind=RunStatus))
    yield Part(layout.verification, _read_verification)
    yield Part(layout.bundle, read_bundle)


def _is_done(run: RunHandle) -> bool:
    try:
        return run.status.state is RunState.DONE
    except CureLensError:
        return False


# ------------------------------------------------------------ readers


def _unread(_: Path) -> None:
    """The content of a log, a lock or a mark means nothing, or another check reads the file."""


def _read_page(path: Path) -> None:
    page, run = read_file(path).rstrip(), path.parent.name
    if not (page.endswith(b"</html>") and run.encode() in page):
        raise DamagedError(f"{path} is damaged (it is not the whole report of {run}): restore it, or launch a new run.")


def _read_base(path: Path) -> None:
    base = resolve(str(path))
    weight_files(base)
    load_tokenizer(base)


def _read_items(path: Path) -> None:
    if not read_json_lines(path, Item):
        raise DamagedError(f"{path} is damaged (it is empty): restore it or run `prepare` again.")


def _read_interactions(path: Path) -> None:
    found = open_interactions(path)
    if not len(found) or not found.totals().rows:  # which reads every block of the columns
        raise DamagedError(f"{path} is damaged (it is empty): restore it or run `prepare` again.")


def _read_closed(path: Path) -> None:
    require_own_name(read_json(path, ClosedRequest).id, path, path.stem)


def _read_verification(path: Path) -> None:
    require_own_name(read_json(path, Verification).run, path, path.parent.name)


def _read_status(path: Path) -> None:
    if (state := read_json(path, RunStatus).state) not in ENDED:
        raise DamagedError(f"{path} is damaged (it says {state}, and is written when a run ends): restore it.")


def _read_events(run: RunHandle, done: bool) -> None:
    """Read the events, and compare the adapter with the one that they name."""
    events = run.layout.events
    if done and not (recorded_digests(run, NullLedger()) and read_file(events).endswith(b"\n")):
        raise DamagedError(f"{events} is damaged (its end is missing): restore it, or launch a new run.")
    if run.layout.weights.is_file() and not is_recorded_adapter(run, NullLedger()):
        raise DamagedError(
            f"{events} names another adapter than the run's folder holds: restore both, or launch a new run."
        )
