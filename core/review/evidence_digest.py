"""SHA-256 of a decision's evidence; a changed file voids the decision.

Files of a run can be written by anybody who can write in the workspace. So the verdict is read from the ledger, and a
run is submitted and carried out only with the adapters that its worker and its verifier signed when they were done.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from core.errors import ReviewError
from core.runs.adapter_identity import differs_from_original, is_recorded_adapter
from core.runs.handle import RunHandle
from core.runs.ledger import CANCELLED, RunLedger
from core.runs.signed_files import DIGEST_OF_MISSING, judged_files
from core.types import Request, RunState, Verdict, Verification
from core.utils.commands import command_line
from core.utils.hashing import sha256_of_file
from core.utils.serialization import to_json
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout
from core.workspace.run_layout import AdapterLayout, RunLayout

ABSENT = "none"
ADAPTERS = ("adapter before", "adapter after", "adapter config")  # their names in the ledger
Digest = Callable[[Path], str]


def digest_of(path: Path) -> str:
    """SHA-256 of a file; ABSENT where there is none."""
    return sha256_of_file(path) if path.is_file() else ABSENT


def evidence_of(workspace: Workspace, run: RunHandle, known: Mapping[str, str] = MappingProxyType({})) -> str:
    """SHA-256 over the files that a decision on a run rests on.

    Args:
        workspace: The workspace.
        run: The run.
        known: Digests of its files by their names in the ledger, where they were read before: what is compared with the
            ledger and what is decided on are the same bytes then.
    """
    files = judged_files(workspace.adapter, run.layout)
    read = {path: known[name].replace(DIGEST_OF_MISSING, ABSENT) for name, path in files.items() if name in known}
    return evidence_digest(evidence_files(workspace, run), lambda path: read[path] if path in read else digest_of(path))


def evidence_files(workspace: Workspace, run: RunHandle) -> list[Path]:
    """The files that a decision on a run rests on, as they are now."""
    return files_of(workspace.layout, workspace.request(run.spec.request), workspace.adapter, run.layout)


def files_of(layout: WorkspaceLayout, request: Request, adapter: Path, run: RunLayout) -> list[Path]:
    """The request, the adapter in use, and all that the run made and measured. Log and events decide nothing.

    Args:
        layout: Paths of the workspace.
        request: The request.
        adapter: Folder of the adapter in use.
        run: Paths of the run.
    """
    requests = [layout.request(name) for name in (request.id, *request.members)]
    return [*requests, AdapterLayout(adapter).weights, *run.evidence]


def evidence_digest(files: Sequence[Path], digest: Digest) -> str:
    """SHA-256 over names and digests of files; `digest` gives that of one file, such as of its sealed copy."""
    return hashlib.sha256("\n".join(f"{path.name} {digest(path)}" for path in files).encode()).hexdigest()


def check_ready(run: RunHandle, ledger: RunLedger) -> None:
    """Check that a run can be decided on.

    Raises:
        ReviewError: The run is not finished or not verified, somebody stopped it, its adapter is not the one that it
            made, its adapter equals the original, or it was not signed when it was done.
        LedgerError: The ledger is damaged.
    """
    if run.status.state is not RunState.DONE:
        raise ReviewError(f"Run {run.id!r} is {run.status.state}: submit a finished run.")
    if ledger.facts(CANCELLED, run.id):  # it may have ended before it heard of that
        raise ReviewError(f"Run {run.id!r} was stopped by a person: launch a new one.")
    if run.verification is None:
        verify = command_line("verify", "--workspace", str(run.workspace.root), "--run", run.id)
        raise ReviewError(f"Run {run.id!r} was not verified: run `{verify}` first.")
    if not is_recorded_adapter(run, ledger):
        raise ReviewError(
            f"The adapter of run {run.id!r} was rejected and destroyed, or is not the one that it made: "
            "launch a new run."
        )
    if not differs_from_original(run):
        raise ReviewError(
            f"Run {run.id!r} left the adapter unchanged, so nothing would be forgotten: launch another one."
        )
    check_signed(run.id, adapter_digests(run.workspace.adapter, run.layout), ledger)
    check_verification(run.id, run.verification, ledger)


def check_verification(run_id: str, verification: Verification, ledger: RunLedger) -> None:
    """Check that a verification is the last one of a run that was signed.

    Raises:
        ReviewError: It is not.
        LedgerError: The ledger is damaged.
    """
    if to_json(verification) != to_json(ledger.verification(run_id)):
        raise ReviewError(
            f"The verification of run {run_id!r} is not what was signed into the ledger: verify the run again."
        )


def check_signed(run_id: str, present: Mapping[str, str], ledger: RunLedger) -> None:
    """Check that files are those that the run's worker and its last verification signed.

    Args:
        run_id: Id of the run.
        present: SHA-256 of the files by their names in the ledger, such as `adapter_digests`; ABSENT for a missing one.
        ledger: The workspace's ledger.

    Raises:
        ReviewError: They are not, or there are no such entries.
        LedgerError: The ledger is damaged.
    """
    if not (worked := ledger.run_subjects(run_id)):
        raise ReviewError(
            f"Run {run_id!r} was not signed by its worker: it is older than the ledger, or its files were written by "
            "hand. Launch a new run."
        )
    if not (verified := ledger.verified_subjects(run_id)):
        raise ReviewError(f"The verification of run {run_id!r} was not signed: verify the run again.")
    entries = (worked, verified)
    if changed := [name for name, digest in present.items() if any(_differs(one, name, digest) for one in entries)]:
        raise ReviewError(
            f"Run {run_id!r} was changed since it was signed ({', '.join(sorted(changed))}): verify it again, or "
            "launch a new one."
        )


def _differs(entered: Mapping[str, str], name: str, digest: str) -> bool:
    """Whether an entry holds another digest. Earlier versions entered fewer files, but always the adapters."""
    return entered[name] != digest if name in entered else name in ADAPTERS


def adapter_digests(adapter: Path, run: RunLayout) -> dict[str, str]:
    """SHA-256 of the adapter in use and of a run's adapter, by their names in the ledger."""
    files = judged_files(adapter, run)
    return {name: digest_of(files[name]) for name in ADAPTERS}


def check_approvable(run_id: str, ledger: RunLedger, reason: str) -> None:
    """Check that a run may be approved, by its signed verification.

    Raises:
        ReviewError: The run failed its verification, or it is inconclusive and no reason is given.
        LedgerError: The ledger is damaged.
    """
    verification = ledger.verification(run_id)
    if not is_approvable(verification):
        raise ReviewError(f"Run {run_id!r} failed its verification: reject it, and unlearn in another way.")
    if needs_reason(verification, approve=True) and not reason.strip():
        raise ReviewError(f"Run {run_id!r} is inconclusive: give the reason why it is approved all the same.")


def is_approvable(verification: Verification | None) -> bool:
    """Whether a run with this verification may be approved: one that failed may not."""
    return verification is not None and verification.verdict is not Verdict.FAIL


def needs_reason(verification: Verification | None, approve: bool) -> bool:
    """Whether a decision needs a reason: each rejection does, and the approval of an inconclusive run."""
    return not approve or (verification is not None and verification.verdict is Verdict.INCONCLUSIVE)
