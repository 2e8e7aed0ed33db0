"""Build of the embedded demo world: one command rebuilds every file of assets/demo.

`manifest.json` holds the digest of each file that depends only on the seeds. Files with time stamps (status, events,
log, report) are listed by name. Weights are reproducible on one kind of CPU with one thread; data, tokenizer, roles and
request are reproducible on any machine.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import torch

from core.demo.world import demo_subjects, make_world
from core.ledger.chain import begin
from core.ledger.keys import demo_keys, keep_keys, public_pem
from core.pipeline.prepare import Scratch, prepare
from core.runs.handle import RunHandle
from core.runs.list_overlap import write_overlaps
from core.runs.references import train_references
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import Identity, LegalBasis, Request, RunSpec
from core.unlearning.training_types import Step
from core.utils.atomic_io import write_bytes
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.verification.thresholds import Thresholds
from core.workspace import WorkspaceSettings
from core.workspace.layout import WorkspaceLayout

PEOPLE, CROWD, SUBJECTS, REFERENCES = 400, 4000, 3, 3
SEED = 1  # of the run: gives a forget group of two modules; other seeds give other modules, as the page says
SOURCE = "core.data.world, seed 7"  # an old module name, kept because every demo's workspace.json holds it
CREATED = "2026-01-01T00:00:00+00:00"
RUN = "run-demo"
SETTINGS = WorkspaceSettings(
    name="Lantern Street Cinema (demo)",
    data=SOURCE,
    window=24,
    epochs=10,
    learning_rate=1.5e-3,
    rank=16,
    batch_size=4,
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
    names = sorted(path.name for path in time_stamped(WorkspaceLayout(part)))
    write_json(WorkspaceLayout(part).manifest, {"sha256": digests(part), "tell_time": names})
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)
    return ()


def make_demo(folder: Path, report: Callable[[str, Step], bool]) -> None:
    """Make the data, models, request, references and one finished run in an empty folder."""
    dataset = make_world(people=PEOPLE)
    crowd = make_world(people=CROWD, first=PEOPLE + 1, town=False).interactions  # seen by the base model only
    workspace = prepare(dataset, folder, SETTINGS, SCRATCH, report, base_interactions=crowd)
    request = Request(
        "req-demo",
        users=demo_subjects(dataset, workspace.user_split.training_users, SUBJECTS),
        reason="They closed their accounts and asked to be erased.",
        created=CREATED,
        legal_basis=LegalBasis.CONSENT_WITHDRAWN,
        identity=Identity.ACCOUNT,
    )
    workspace.check(request)
    write_json(workspace.layout.request(request.id), request)
    keys = demo_keys()
    keep_keys(keys)
    write_bytes(workspace.layout.ledger_key, public_pem(keys))
    begin(workspace.layout.ledger, SETTINGS.name, keys)
    train_references(
        workspace, request.id, REFERENCES, "cpu", lambda number, step: report(f"reference {number + 1}", step)
    )
    finished_run(folder, request)


def finished_run(folder: Path, request: Request) -> None:
    """Execute one run, compare the lists of all users, and verify it."""
    layout = WorkspaceLayout(folder)
    run = RunHandle(layout.run(RUN).path)
    run.write_spec(RunSpec(RUN, request.id, "cure", "cpu", SEED, created=CREATED, thresholds=Thresholds().digest))
    run.store.add(run.id, run.id, externally_queued=False)
    work(run)
    write_overlaps(run, "cpu")
    verify_run(run, "cpu", full=True)
    for file in (*layout.store_files(), layout.work_lock):  # data of processes; the demo is shipped without them
        file.unlink()


def time_stamped(layout: WorkspaceLayout) -> tuple[Path, ...]:
    """Files of the demo world with time stamps."""
    return *layout.run(RUN).time_stamped, layout.ledger


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file without time stamps, by relative path."""
    layout = WorkspaceLayout(folder)
    changing = {*time_stamped(layout), layout.manifest}
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path not in changing)
    return {str(path.relative_to(folder)): sha256_of_file(path) for path in files}


def compare(expected: dict[str, str], found: dict[str, str]) -> tuple[str, ...]:
    """Names of files that are missing, new or different."""
    return tuple(sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)))
