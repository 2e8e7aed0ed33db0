"""Check of `python -m core doctor` on the files that the ledger, or the manifest of a demo world, names."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.cli.finding import Finding
from core.cli.parts import BASE_CONFIG
from core.demo.worlds import SOURCE
from core.ledger.statement import Statement
from core.models.hub import fingerprint
from core.review.ledger_entries import SUBMISSION
from core.runs.answer_files import reference_digests
from core.runs.bundle import digests, read_bundle
from core.runs.closed import confirmed_closed
from core.runs.handle import RunHandle, runs
from core.runs.ledger_entries import DESTRUCTION, REFERENCE, RUN, VERIFICATION, Ledger, digests_of_reference
from core.runs.requests import entered_requests
from core.runs.signed_files import OPTIONAL_RESULTS, digest_of_file, files_of_run, overlap_is_signed
from core.types import RunState, Verification
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, to_json
from core.workspace import Workspace

Held = Iterator[tuple[Path, bool]]  # a file, and whether it is as it should be
ADAPTER = ("adapter after", "adapter config")  # names in the ledger of what a rejection destroys


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of a demo world.

    Attributes:
        sha256: SHA-256 of each file that depends only on the seeds, by its path in the workspace.
    """

    sha256: dict[str, str]


def signed_files(workspace: Workspace, rejected: Collection[str]) -> Iterator[Finding]:
    """One finding for each file that is not as the ledger holds it.

    Args:
        workspace: The workspace; it keeps a ledger.
        rejected: Ids of the rejected runs, whose adapters are destroyed.
    """
    entries, layout = Ledger(workspace).statements(), workspace.layout
    deletions = [number for number, one in enumerate(entries) if one.kind == DESTRUCTION]
    since = entries[deletions[-1] + 1 :] if deletions else entries  # a deletion destroys all runs and references
    yield from _findings(workspace, _references(workspace, since), "was signed")
    yield from _findings(workspace, _runs(workspace, since, rejected), "was signed")
    needed = [layout.review] if any(one.kind == SUBMISSION for one in entries) else []
    yield from _findings(workspace, ((path, path.is_file()) for path in needed), "stands in the ledger")
    opened = map(layout.request, entered_requests(workspace))
    confirm = "restore it, or have `ledger confirm` sign that it is gone"
    yield from _findings(workspace, ((path, path.is_file()) for path in opened), "stands in the ledger", confirm)
    for path, signed in _entered(workspace, entries):
        if not signed:
            fault = "is done, but the ledger has no entry for it: its end may be cut off, so compare it with a head"
            yield Finding(layout.name(path), False, f"{path} {fault} from elsewhere.")


def closed_records(workspace: Workspace, _rejected: Collection[str]) -> Iterator[Finding]:
    """A finding for the first record of a deletion that is missing, was changed, or has no entry in the ledger."""
    confirmed_closed(workspace, Ledger(workspace))
    yield from ()


def shipped_files(workspace: Workspace, rejected: Collection[str]) -> Iterator[Finding]:
    """One finding for each file of a demo world that is not as it was shipped, until a deletion has changed them.

    Args:
        workspace: The workspace.
        rejected: Ids of the rejected runs, whose adapters are destroyed.
    """
    manifest = workspace.layout.manifest
    if manifest.is_file() and not workspace.layout.all_closed.is_dir():
        yield from _findings(workspace, _manifest(workspace, rejected), "was shipped")
    elif workspace.settings.data == SOURCE and not workspace.layout.all_closed.is_dir():
        yield from _findings(workspace, [(manifest, manifest.is_file())], "was shipped")


def _findings(
    workspace: Workspace, held: Iterable[tuple[Path, bool]], why: str, mend: str = "restore it, or make it again"
) -> Iterator[Finding]:
    for path, same in held:
        if not same:
            fault = f"is not as it {why}" if path.exists() else f"is not there, although it {why}"
            name = workspace.layout.name(path)
            yield Finding(name, False, f"{path} {fault}: {mend}.")


def _references(workspace: Workspace, entries: Sequence[Statement]) -> Held:
    last = {(one.content["of"], one.content["seed"]): one for one in entries if one.kind == REFERENCE}
    for (request, seed), entry in last.items():
        folder = workspace.layout.references(request) / seed
        if workspace.layout.request(request).is_file():  # else a batch, which was dissolved
            yield folder, digests_of_reference(entry).items() <= reference_digests(folder).items()


def _entered(workspace: Workspace, entries: Sequence[Statement]) -> Held:
    """The runs that were done since the ledger was begun: where one is not in it, its end was cut off."""
    signed, begun = {one.content["run"] for one in entries if one.kind == RUN}, entries[0].content["time"]
    for run in runs(workspace):
        if run.status.state is RunState.DONE and run.spec.created > begun:
            yield run.path, run.id in signed


def _runs(workspace: Workspace, entries: Sequence[Statement], rejected: Collection[str]) -> Held:
    verified = {one.content["run"] for one in entries if one.kind == VERIFICATION}
    for entry in {one.content["run"]: one for one in entries if one.kind == RUN}.values():
        run = RunHandle(workspace.layout.run(entry.content["run"]).path)
        if run.path.is_dir():
            gone = ADAPTER if run.id in rejected else ()
            yield from _files(workspace, run, {k: v for k, v in entry.subjects.items() if k not in gone})
            yield from _verification(workspace, run, run.id in verified)
            yield from _bundle(workspace, run)
            yield run.layout.overlap, overlap_is_signed(run, Ledger(workspace))
        elif workspace.layout.request(entry.content["request"]["id"]).is_file():  # else a batch, which was dissolved
            yield run.path, False


def _files(workspace: Workspace, run: RunHandle, digests: Mapping[str, str]) -> Held:
    """The files of the workspace that an entry about a run names."""
    base = Path(workspace.base)
    for name, path in files_of_run(workspace, run, base).items():
        if name in digests and path.is_relative_to(workspace.root):
            yield path, (path.is_file() or name in OPTIONAL_RESULTS) and digest_of_file(name, path) == digests[name]
    if base.is_relative_to(workspace.root) and (base / BASE_CONFIG).is_file():
        yield base, fingerprint(base).removeprefix("sha256:") == digests["base"]


def _verification(workspace: Workspace, run: RunHandle, signed: bool) -> Held:
    path = run.layout.verification
    found = read_json(path, Verification) if path.is_file() else None
    if found or signed:
        yield path, to_json(found) == to_json(Ledger(workspace).verification(run.id))


def _bundle(workspace: Workspace, run: RunHandle) -> Held:
    """The bundle of a run's last verification; it may be missing, as it is large and no decision needs it."""
    signed = Ledger(workspace).verified_content(run.id).get("bundle")
    if signed and run.layout.bundle.is_file():
        yield run.layout.bundle, digests(read_bundle(run.layout.bundle).parts) == signed


def _manifest(workspace: Workspace, rejected: Collection[str]) -> Held:
    """The files that a demo world was shipped with, but for those that commands and people write again."""
    layout = workspace.layout
    shipped = {workspace.root / name: digest for name, digest in read_json(layout.manifest, Manifest).sha256.items()}
    for run in map(layout.run, {path.name for path in layout.run_folders()}):
        adapter = (run.weights, run.adapter_config) if run.path.name in rejected else ()
        for path in (run.verification, run.overlap, *adapter):
            shipped.pop(path, None)
    shipped.pop(layout.settings, None)
    for path, digest in shipped.items():
        yield path, path.is_file() and sha256_of_file(path) == digest
