"""SHA-256 of a decision's evidence; a changed file voids the decision."""

import hashlib
from pathlib import Path

from core.errors import ReviewError
from core.runs.adapter_identity import differs_from_original, is_recorded_adapter
from core.runs.handle import RunHandle
from core.runs.ledger import RunLedger
from core.types import RunState, Verdict, Verification
from core.utils.commands import command_line
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


def evidence_of(workspace: Workspace, run: RunHandle) -> str:
    """SHA-256 over the request, the adapter in use, and everything that the run made and measured."""
    files = evidence_files(workspace, run)
    lines = [f"{path.name} {sha256_of_file(path) if path.is_file() else 'none'}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def evidence_files(workspace: Workspace, run: RunHandle) -> list[Path]:
    """The files that a decision on this run rests on. Log and events are not among them: they decide nothing."""
    request = workspace.request(run.spec.request)
    requests = [workspace.layout.request(name) for name in (request.id, *request.members)]
    return [*requests, AdapterLayout(workspace.adapter).weights, *run.layout.evidence]


def check_ready(run: RunHandle, ledger: RunLedger) -> None:
    """Check that a run can be decided on.

    Raises:
        ReviewError: The run is not finished or not verified, its adapter is not the one that it made, or its adapter
            equals the original.
        LedgerError: The ledger is damaged.
    """
    if run.status.state is not RunState.DONE:
        raise ReviewError(f"Run {run.id!r} is {run.status.state}: submit a finished run.")
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


def check_approvable(run: RunHandle, reason: str) -> None:
    """Check that a run may be approved.

    Raises:
        ReviewError: The run failed its verification, or it is inconclusive and no reason is given.
    """
    verification = run.verification
    if not is_approvable(verification):
        raise ReviewError(f"Run {run.id!r} failed its verification: reject it, and unlearn in another way.")
    if needs_reason(verification, approve=True) and not reason.strip():
        raise ReviewError(f"Run {run.id!r} is inconclusive: give the reason why it is approved all the same.")


def is_approvable(verification: Verification | None) -> bool:
    """Whether a run with this verification may be approved: one that failed may not."""
    return verification is not None and verification.verdict is not Verdict.FAIL


def needs_reason(verification: Verification | None, approve: bool) -> bool:
    """Whether a decision needs a reason: each rejection does, and the approval of an inconclusive run."""
    return not approve or (verification is not None and verification.verdict is Verdict.INCONCLUSIVE)
