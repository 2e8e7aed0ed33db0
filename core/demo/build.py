"""Build of the embedded demo world: one command rebuilds every file of assets/demo.

`manifest.json` holds the digest of each file that depends only on the seeds. Files with time stamps (status, events,
log, report) are listed by name. Weights are reproducible on one kind of CPU with one thread; data, tokenizer, roles and
request are reproducible on any machine.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from core.data.interaction_files import open_interactions, write_interactions
from core.data.splits import by_user, split_by_time
from core.demo.world import demo_subjects, make_world
from core.ledger.chain import begin
from core.ledger.keys import demo_keys, keep_keys, public_pem
from core.pipeline.prepare import Scratch, prepare
from core.runs.handle import RunHandle
from core.runs.list_overlap import write_overlaps
from core.runs.references import train_references
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import Identity, Interaction, Item, LegalBasis, Request, RunSpec
from core.unlearning.training_types import Step
from core.utils.atomic_io import write_bytes
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.verification.thresholds import Thresholds
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.layout import WorkspaceLayout

PEOPLE, CROWD, REFERENCES = 400, 4000, 5
SEED = 1  # of all runs
SOURCE = "core.data.world, seed 7"  # an old module name, kept because every demo's workspace.json holds it
CREATED = "2026-01-01T00:00:00+00:00"  # of the benchmark's requests
RUN = "run-demo"
SETTINGS = WorkspaceSettings(
    name="Lantern Street Cinema (demo)",
    data=SOURCE,
    window=24,
    epochs=10,
    learning_rate=1.05e-3,
    rank=16,
    batch_size=4,
    average=0.5,
    adapter_dtype="bfloat16",
    base_note="a small Llama trained from nothing on the fictional crowd",
)
SCRATCH = Scratch(
    held_out_share=0.15,
    vocabulary=1000,
    min_title_interactions=1,
    width=128,
    layers=4,
    heads=8,
    kv_heads=8,
    epochs=6,
    learning_rate=1.5e-3,
    user_split_seed=0,
)


def build(target: Path, report: Callable[[str, Step], bool], check: bool = False) -> tuple[str, ...]:
    """Rebuild the demo world.

    Args:
        target: Folder of the demo world.
        report: Called after each training step.
        check: Build beside `target` and compare with its manifest, instead of replacing it.

    Returns:
        Names of the files that differ from the manifest; empty without `check`.
    """
    torch.set_num_threads(1)
    part = target.with_name(f".{target.name}.new")
    shutil.rmtree(part, ignore_errors=True)
    make_demo(part, report)
    if check:
        differing = compare(read_json(WorkspaceLayout(target).manifest)["sha256"], digests(part))
        shutil.rmtree(part)
        return differing
    names = sorted({path.name for path in time_stamped(WorkspaceLayout(part))})
    write_json(WorkspaceLayout(part).manifest, {"sha256": digests(part), "tell_time": names})
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return ()


@dataclass(frozen=True)
class DemoRun:
    """One finished run of the demo.

    Attributes:
        id: Id of the run.
        method: Key of `METHODS`.
        created: When it was launched.
        steps: Largest number of steps; 0 for the method's own.
        lists: Whether the lists of all other users are compared.
    """

    id: str
    method: str
    created: str
    steps: int = 0
    lists: bool = False


@dataclass(frozen=True)
class DemoRequest:
    """One request of the demo with its runs, of which the last one is shown.

    Attributes:
        id: Id of the request.
        subjects: Which of the users with the clearest favourite words ask.
        genre: Whether the request covers only the user's most frequent genre, instead of all data.
        reason: Why they ask.
        created: When they asked.
        runs: The runs, the oldest first.
    """

    id: str
    subjects: slice
    reason: str
    created: str
    runs: tuple[DemoRun, ...]
    genre: bool = False


REQUESTS = (
    DemoRequest(
        "req-one", slice(20, 21), "She moved away and asked to be erased.", "2026-01-02T09:00:00+00:00",
        (
            DemoRun(RUN, "cure_merge_circuit", "2026-01-05T09:00:00+00:00", lists=True),
            DemoRun("run-retrained", "retrain", "2026-01-06T09:00:00+00:00"),
        ),
    ),
    DemoRequest(
        "req-genre", slice(0, 1), "He wants one genre to be forgotten.", "2026-01-07T09:00:00+00:00",
        (DemoRun("run-broken", "gradient_ascent_uncapped", "2026-01-08T09:00:00+00:00"),), genre=True,
    ),
    DemoRequest(
        "req-demo", slice(0, 17), "They closed their accounts and asked to be erased.", "2026-01-09T09:00:00+00:00",
        (DemoRun("run-forgotten", "cure_merge", "2026-01-12T09:00:00+00:00", lists=True),),
    ),
)  # fmt: skip


def make_demo(folder: Path, report: Callable[[str, Step], bool]) -> None:
    """Make the data, models, requests, references and finished runs in an empty folder."""
    workspace = make_workspace(folder, report)
    for wanted in REQUESTS:
        request = open_request(workspace, wanted)
        watch = partial(_report_reference, report, request.id)
        train_references(workspace, request.id, REFERENCES, "cpu", watch)
        for run in wanted.runs:
            finished_run(folder, request, run)
    layout = WorkspaceLayout(folder)
    for file in (*layout.store_files(), layout.work_lock):  # data of processes; the demo is shipped without them
        file.unlink()


def _report_reference(report: Callable[[str, Step], bool], request: str, number: int, step: Step) -> bool:
    return report(f"{request}, reference {number + 1}", step)


def make_workspace(folder: Path, report: Callable[[str, Step], bool]) -> Workspace:
    """Make the data, the base model, the adapter and the ledger's keys."""
    dataset = make_world(people=PEOPLE)
    crowd = list(make_world(people=CROWD, first=PEOPLE + 1, town=False).interactions)  # seen by the base model only
    workspace = prepare(dataset, folder, SETTINGS, SCRATCH, report, base_interactions=crowd)
    _keep_as_lines(workspace.layout)
    keys = demo_keys()
    keep_keys(keys)
    write_bytes(workspace.layout.ledger_key, public_pem(keys))
    begin(workspace.layout.ledger, SETTINGS.name, keys)
    return workspace


def _keep_as_lines(layout: WorkspaceLayout) -> None:
    """Keep the interactions as JSON lines, whose bytes do not depend on the version of a library."""
    parquet = layout.interactions
    write_interactions(layout.interaction_lines, open_interactions(parquet))
    parquet.unlink()


def open_request(workspace: Workspace, wanted: DemoRequest) -> Request:
    """Write one request."""
    dataset, training_users = make_world(people=PEOPLE), workspace.user_split.training_users
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
    write_json(workspace.layout.request(request.id), request)
    return request


def most_frequent_genre(history: Sequence[Interaction], items: Mapping[str, Item]) -> tuple[tuple[str, str], ...]:
    """All interactions of one user with their most frequent genre, as (user, item), each once."""
    counts = Counter(genre for event in history for genre in items[event.item].genres)
    genre = max(sorted(counts), key=counts.__getitem__)
    return tuple(dict.fromkeys((event.user, event.item) for event in history if genre in items[event.item].genres))


def finished_run(folder: Path, request: Request, wanted: DemoRun) -> None:
    """Execute one run and verify it."""
    run = RunHandle(WorkspaceLayout(folder).run(wanted.id).path)
    digest = Thresholds(run.workspace.settings.forgotten_share).digest
    method, steps, created = wanted.method, wanted.steps, wanted.created
    run.write_spec(RunSpec(wanted.id, request.id, method, "cpu", SEED, steps, created, thresholds=digest))
    run.store.add(run.id, run.id, externally_queued=False)
    work(run)
    if wanted.lists:
        write_overlaps(run, "cpu")
    verify_run(run, "cpu", full=True)


def time_stamped(layout: WorkspaceLayout) -> tuple[Path, ...]:
    """Files of the demo world with time stamps."""
    runs = (run for request in REQUESTS for run in request.runs)
    return *(path for run in runs for path in layout.run(run.id).time_stamped), layout.ledger


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file without time stamps, by relative path."""
    layout = WorkspaceLayout(folder)
    changing = {*time_stamped(layout), layout.manifest}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path not in changing)
    return {str(path.relative_to(folder)): sha256_of_file(path) for path in files}


def compare(expected: dict[str, str], found: dict[str, str]) -> tuple[str, ...]:
    """Names of files that are missing, new or different."""
    return tuple(sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)))
