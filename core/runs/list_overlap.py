"""Side effects of a run on other users: how much of each other user's top list stays.

It ranks titles for every user with three models, so it is a command of its own and not a stage of the run. Only this
command writes overlap.json and overlap-status.json.
"""

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from core.errors import RunError
from core.evaluation.evaluate import LIST_LENGTH, top_list
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter, make_context, title_similarity
from core.pipeline.question import question_digest
from core.runs.artifacts import RunArtifacts
from core.runs.handle import RunHandle
from core.runs.ledger import OVERLAP, QUESTION, NullLedger, RunLedger, open_ledger
from core.runs.process_identity import this_worker
from core.runs.requests import check_opened
from core.runs.signed_files import overlap_fact
from core.types import Overlap, Request, RunState, RunStatus
from core.utils.clock import utc_now
from core.utils.commands import PYTHON
from core.utils.no_links import open_to_append
from core.workspace.layout import require_no_link
from core.workspace.locks import shared_model_lock
from core.workspace.run_layout import AdapterLayout

WRITE_EVERY = 1.0  # seconds between status writes


def overlaps(
    run: RunArtifacts,
    request: Request,
    ledger: RunLedger,
    device: str = "auto",
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[Overlap, ...]:
    """Compare the top list of every other user with a history before and after the run.

    Args:
        run: A finished run.
        request: The request that it forgot.
        ledger: The workspace's ledger.
        device: "auto", "cpu" or "cuda".
        progress: Called with the share of users that are done.

    Raises:
        RunError: The run has no adapter, or an adapter is not the one that was signed.
    """
    if not run.layout.weights.is_file():
        raise RunError(f"Run {run.id!r} has no adapter: choose a finished run.")
    workspace = run.workspace
    references = workspace.reference_folders(request.id)[:1]  # as in the run's own lists
    folders = [
        workspace.adapter,
        run.layout.adapter,
        *(one for one in references if AdapterLayout(one).weights.is_file()),
    ]
    models = [load_adapter(workspace, str(folder), device) for folder in folders]
    if not isinstance(ledger, NullLedger):
        _check_loaded(run, ledger, folders, models)
    context = make_context(workspace, request, models[0].tokenizer)
    others = [user for user, events in context.histories.items() if events and user not in request.subjects]
    result = []
    for done, user in enumerate(others, 1):
        result.append(_overlap(user, models, context))
        progress(done / len(others))
    return tuple(result)


def _check_loaded(run: RunArtifacts, ledger: RunLedger, folders: Sequence[Path], models: Sequence[Recommender]) -> None:
    """Raise RunError where a model's adapter is not the one that was signed: a file may have been exchanged."""
    entry, references = ledger.run_subjects(run.id), ledger.reference_digests(run.spec.request)
    names = (("adapter before", "adapter before, config"), ("adapter after", "adapter config"))
    signed = [{"weights": entry.get(weights, ""), "config": entry.get(config)} for weights, config in names]
    signed += [{"weights": "", **references.get(folder.name, {})} for folder in folders[2:]]
    for folder, model, digests in zip(folders, models, signed, strict=True):
        # Entries of earlier versions hold fewer configurations.
        if any(digest not in (None, model.adapter_digests[name]) for name, digest in digests.items()):
            raise RunError(f"Adapter {folder} is not the one that the ledger holds: restore its files.")


def _overlap(user: str, models: Sequence[Recommender], context: RequestContext) -> Overlap:
    history = context.histories[user]
    lists = (top_list(model, history, context.prompt_setup, context.workspace.items) for model in models)
    before, *later = ({row.item for row in rows} for rows in lists)
    shares = [len(before & other) / LIST_LENGTH for other in later]
    return Overlap(user, shares[0], shares[1] if len(shares) > 1 else None, title_similarity(user, context))


def write_overlaps(run: RunHandle, device: str = "auto", person: str = "") -> tuple[Overlap, ...]:
    """Compare lists and write the result, with a status file on the way. A failure ends in the status and is raised.

    Args:
        run: A finished run.
        device: "auto", "cpu" or "cuda".
        person: Who has them compared.

    Raises:
        WorkspaceError: A deletion is being carried out, so that the run's folder is about to go.
        RunError: The run has no adapter, an adapter is not the one that was signed, or the data changed meanwhile.
        RequestError: The request is not what was opened.
        LedgerError: The ledger takes no entry of the result.
    """
    with shared_model_lock(run.workspace):
        return _with_status(run, device, person)


def _with_status(run: RunHandle, device: str, person: str) -> tuple[Overlap, ...]:
    started, written = time.monotonic(), -WRITE_EVERY

    def write_status(share: float, state: RunState = RunState.RUNNING, message: str = "") -> None:
        nonlocal written
        seconds = time.monotonic() - started
        if state is RunState.RUNNING and seconds - written < WRITE_EVERY:
            return
        written, eta = seconds, seconds * (1 - share) / share if share else None
        status = RunStatus(state, "overlap", share, eta, seconds, message, worker=this_worker(), updated=utc_now())
        run.write_overlap_status(status)

    write_status(0.0)
    try:
        result = _signed(run, device, person, write_status)
    except BaseException as error:
        write_status(0.0, RunState.FAILED, str(error) or type(error).__name__)
        raise
    write_status(1.0, RunState.DONE)
    return result


def _signed(run: RunHandle, device: str, person: str, progress: Callable[[float], None]) -> tuple[Overlap, ...]:
    """Compare lists, write the result, and enter it with what was asked, which the submission compares."""
    workspace, ledger = run.workspace, open_ledger(run.workspace)
    request = workspace.request(run.spec.request)
    check_opened(workspace, request)
    asked = question_digest(workspace, request)  # before the data are read
    result = overlaps(run, request, ledger, device, progress)
    if question_digest(workspace, request) != asked:
        raise RunError(f"The data or settings of {workspace.root} changed meanwhile: compare all lists again.")
    ledger.record_fact(OVERLAP, run.id, overlap_fact(run.write_overlap(result), ledger.mark(QUESTION, asked), person))
    return result


def launch_overlaps(run: RunArtifacts, person: str) -> None:
    """Start the command as a detached process, unless it is running. Raises WorkspaceError."""
    require_no_link(run.path, run.workspace.root)
    status = run.overlap_status
    if status and status.state is RunState.RUNNING:
        return
    command = [*PYTHON, "-m", "core", "overlap", "--workspace", str(run.workspace.root), "--run", run.id]
    command += ["--as", person]
    with open_to_append(run.layout.log) as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
