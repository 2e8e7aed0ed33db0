"""Build of the embedded demo worlds: one command rebuilds every file of a world.

An interrupted build goes on where it was, at the next reference or run. `manifest.json` holds the digest of each file
that depends only on the seeds. Files with time stamps (status, events, log, report) are listed by name. Weights are
reproducible on one kind of CPU with one thread; data, tokenizer, roles and request are reproducible on any machine.
"""

import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch

from core.data.interaction_files import open_interactions, write_interactions
from core.data.readers import Dataset
from core.data.splits import by_user, split_by_time
from core.demo.world import demo_subjects, make_world
from core.demo.worlds import DemoRequest, DemoRun, DemoWorld
from core.errors import RunError
from core.ledger.beginning import begin
from core.ledger.keys import demo_keys, keep_keys, public_pem
from core.pipeline.prepare import prepare
from core.runs.handle import RunHandle
from core.runs.ledger import open_ledger
from core.runs.list_overlap import write_overlaps
from core.runs.references import train_references
from core.runs.requests import write_marked
from core.runs.signed_settings import settings_to_sign
from core.runs.submit import mark_of
from core.runs.verify import verify_run
from core.runs.worker_command import command
from core.types import Identity, Interaction, Item, LegalBasis, Request, RunSpec, RunState
from core.unlearning.training_types import Step
from core.utils.atomic_io import write_bytes
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.verification.thresholds import Thresholds
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout
from core.workspace.run_layout import AdapterLayout

SEED = 1  # of all runs
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # several threads add in another order
CREATED = "2026-01-01T00:00:00+00:00"  # of the benchmark's requests


def build(world: DemoWorld, target: Path, report: Callable[[str, Step], bool], check: bool = False) -> tuple[str, ...]:
    """Rebuild a world.

    Args:
        world: The world.
        target: Its folder.
        report: Called after each training step.
        check: Build beside `target` and compare with its manifest, instead of replacing it.

    Returns:
        Names of the files that differ from the manifest; empty without `check`.
    """
    torch.set_num_threads(1)
    target = target.resolve()
    part = target.with_name(f".{target.name}.new")
    if check:
        shutil.rmtree(part, ignore_errors=True)  # another version of the code may have begun it
    make_demo(world, part, report)
    if check:
        differing = compare(read_json(WorkspaceLayout(target).manifest)["sha256"], digests(world, part))
        shutil.rmtree(part)
        return differing
    names = sorted({path.name for path in time_stamped(world, WorkspaceLayout(part))})
    write_json(WorkspaceLayout(part).manifest, {"sha256": digests(world, part), "tell_time": names})
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return ()


def make_demo(world: DemoWorld, folder: Path, report: Callable[[str, Step], bool]) -> None:
    """Make the data, models, requests, references and finished runs that the folder does not hold yet."""
    workspace = make_workspace(world, folder, report)
    for wanted in world.requests:
        request = open_request(world, workspace, wanted)
        watch = partial(_report_reference, report, request.id)
        train_references(workspace, request.id, world.references, "cpu", watch)
        for run in wanted.runs:
            finished_run(world, folder, request, run)
    for wanted in world.requests:  # at the very end, since an interrupted build needs the weights
        _keep_one_form(world, workspace.reference_folders(wanted.id))
    layout = WorkspaceLayout(folder)
    bundles = (layout.run(run.id).bundle for wanted in world.requests for run in wanted.runs)  # they are large
    for file in (*bundles, *layout.store_files(), layout.work_lock):  # data of processes; shipped without them
        file.unlink(missing_ok=True)


def _report_reference(report: Callable[[str, Step], bool], request: str, number: int, step: Step) -> bool:
    return report(f"{request}, reference {number + 1}", step)


def _keep_one_form(world: DemoWorld, references: Sequence[Path]) -> None:
    """Remove the references' answers where their weights are shipped, or else the weights: both double the size."""
    for reference in map(AdapterLayout, references):
        for file in reference.answer_files() if world.reference_weights else (reference.weights,):
            file.unlink(missing_ok=True)


def world_data(world: DemoWorld) -> Dataset:
    """The items and interactions of a world."""
    return make_world(people=world.people, films=world.films, ratings=world.ratings)


def make_workspace(world: DemoWorld, folder: Path, report: Callable[[str, Step], bool]) -> Workspace:
    """Make the data, the base model, the adapter and the ledger's keys."""
    layout, keys = WorkspaceLayout(folder), demo_keys()
    if not folder.exists():
        crowd = list(make_world(people=world.crowd, first=world.people + 1, town=False).interactions)  # for the base
        prepare(world_data(world), folder, world.settings, world.scratch, report, base_interactions=crowd)
    _keep_as_lines(layout)
    keep_keys(keys)
    workspace = Workspace(folder)
    if not layout.ledger.exists():
        write_bytes(layout.ledger_key, public_pem(keys))
        begin(layout.ledger, world.settings.name, settings_to_sign(workspace), keys)
    return workspace


def _keep_as_lines(layout: WorkspaceLayout) -> None:
    """Keep the interactions as JSON lines, whose bytes do not depend on the version of a library."""
    parquet = layout.interactions
    if parquet != layout.interaction_lines:
        write_interactions(layout.interaction_lines, open_interactions(parquet))
        parquet.unlink()


def open_request(world: DemoWorld, workspace: Workspace, wanted: DemoRequest) -> Request:
    """Write one request, unless an interrupted build wrote it."""
    if workspace.layout.request(wanted.id).is_file():
        return workspace.request(wanted.id)
    dataset, training_users = world_data(world), workspace.user_split.training_users
    users = demo_subjects(dataset, training_users, len(training_users))[wanted.subjects]
    request = Request(
        wanted.id, users, (), wanted.reason, wanted.created,
        legal_basis=LegalBasis.CONSENT_WITHDRAWN, identity=Identity.ACCOUNT,
    )  # fmt: skip
    if wanted.genre:
        histories = by_user(workspace.interactions, workspace.settings.task)
        chosen = most_frequent_genre(split_by_time(histories[users[0]])[0], workspace.items)
        request = replace(request, users=(), interactions=chosen)
    workspace.check(request)
    return write_marked(workspace, request)


def most_frequent_genre(history: Sequence[Interaction], items: Mapping[str, Item]) -> tuple[tuple[str, str], ...]:
    """All interactions of one user with their most frequent genre, as (user, item), each once."""
    counts = Counter(genre for event in history for genre in items[event.item].genres)
    genre = max(sorted(counts), key=counts.__getitem__)
    return tuple(dict.fromkeys((event.user, event.item) for event in history if genre in items[event.item].genres))


def finished_run(world: DemoWorld, folder: Path, request: Request, wanted: DemoRun) -> None:
    """Execute one run and verify it."""
    layout = WorkspaceLayout(folder)
    run = RunHandle(layout.run(wanted.id).path)
    if run.layout.verification.is_file():
        return
    _execute(run, request, wanted)
    if wanted.lists:
        write_overlaps(run, "cpu")
    verify_run(run, "cpu", world.full)


def _execute(run: RunHandle, request: Request, wanted: DemoRun) -> None:
    """Execute one run; an interrupted one starts over."""
    if run.layout.spec.is_file() and run.status.state is RunState.DONE:
        return
    shutil.rmtree(run.path, ignore_errors=True)
    for file in WorkspaceLayout(run.layout.workspace_root).store_files():
        file.unlink(missing_ok=True)
    digest = Thresholds(run.workspace.settings.forgotten_share).digest
    method, steps, created = wanted.method, wanted.steps, wanted.created
    spec = RunSpec(wanted.id, request.id, method, "cpu", SEED, steps, created, thresholds=digest)
    run.write_spec(replace(spec, mark=mark_of(spec, open_ledger(run.workspace))))
    run.store.add(run.id, run.id, externally_queued=False)
    subprocess.run(command(run, {}), env=os.environ | ONE_THREAD, check=False)  # its memory is measured, so it is alone
    if run.status.state is not RunState.DONE:
        raise RunError(f"Run {run.id!r} of the demo is {run.status.state} ({run.status.message}): see the lines above.")


def time_stamped(world: DemoWorld, layout: WorkspaceLayout) -> tuple[Path, ...]:
    """Files of the demo world with time stamps."""
    runs = (run for request in world.requests for run in request.runs)
    return *(path for run in runs for path in layout.run(run.id).time_stamped), layout.ledger


def digests(world: DemoWorld, folder: Path) -> dict[str, str]:
    """SHA-256 of every file without time stamps, by relative path."""
    layout = WorkspaceLayout(folder)
    changing = {*time_stamped(world, layout), layout.manifest}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path not in changing)
    return {str(path.relative_to(folder)): sha256_of_file(path) for path in files}


def compare(expected: dict[str, str], found: dict[str, str]) -> tuple[str, ...]:
    """Names of files that are missing, new or different."""
    return tuple(sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)))
