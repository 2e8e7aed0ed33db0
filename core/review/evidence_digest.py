"""What a decision rests on, as one digest: another file under it is another question."""

import hashlib
from pathlib import Path

from core.errors import ReviewError
from core.runs.adapter_identity import as_made, unlearned
from core.runs.run_folder import RunFolder
from core.types import RunState, Verdict
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace
from core.workspace.layout import WEIGHTS

# Of the run's folder. The log and the events tell how it went, and decide nothing.
FILES = (
    "spec.json", "adapter/adapter_config.json", f"adapter/{WEIGHTS}", "outcome.json", "evaluation.json",
    "report.json", "report.html", "reviewer.html", "verification.json",
)  # fmt: skip


def evidence_of(workspace: Workspace, folder: RunFolder) -> str:
    """SHA-256 over the request, the adapter in use, and everything that was made and found out about the candidate."""
    lines = [
        f"{path.name} {sha256_of_file(path) if path.is_file() else 'none'}" for path in files_of(workspace, folder)
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def files_of(workspace: Workspace, folder: RunFolder) -> list[Path]:
    """Everything that a decision on this run rests on."""
    served = Path(workspace.path(workspace.settings.adapter)) / WEIGHTS
    return [workspace.root / f"requests/{folder.spec.request}.json", served, *(folder.path / name for name in FILES)]


def check_ready(folder: RunFolder) -> None:
    """Raises ReviewError where there is nothing to decide on yet, or nothing that would forget; RecordError."""
    if folder.status.state is not RunState.DONE:
        raise ReviewError(f"Run {folder.id!r} is {folder.status.state}: submit a finished run.")
    if folder.verification is None:
        raise ReviewError(f"Run {folder.id!r} was not verified: run `python -m core verify --run {folder.id}` first.")
    if not as_made(folder):
        raise ReviewError(
            f"The adapter of run {folder.id!r} was rejected and destroyed, or is not the one that it made: launch a new run."
        )
    if not unlearned(folder):
        raise ReviewError(
            f"Run {folder.id!r} left the adapter as it was, so nothing would be forgotten: launch another."
        )


def check_approvable(folder: RunFolder, reason: str) -> None:
    """Raises ReviewError for a run that failed a check, and for one that is not sure where nobody says why it will do."""
    found = folder.verification
    if found is None or found.verdict is Verdict.FAIL:
        raise ReviewError(f"Run {folder.id!r} failed its verification: reject it, and unlearn in another way.")
    if found.verdict is Verdict.INCONCLUSIVE and not reason.strip():
        raise ReviewError(f"Run {folder.id!r} is not proven: give the reason why it is approved all the same.")
