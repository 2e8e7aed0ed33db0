"""Whom else a run touched: every kept person's top list before and after, for a finished run.

It asks three models about everybody, so it is no stage of the run but a command of its own; the run folder's
overlap.json and overlap-status.json are written by its process alone.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from core.errors import RunError
from core.evaluation.evaluate import LIST_LENGTH, top_list
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.runs.process_identity import this_worker
from core.runs.run_folder import RunFolder
from core.types import Interaction, Overlap, RunState, RunStatus
from core.utils.clock import utc_now
from core.utils.serialization import write_json
from core.workspace import Workspace
from core.workspace.layout import WEIGHTS
from core.workspace.locks import at_work

WRITE_EVERY = 1.0  # seconds between status writes


def overlaps(
    folder: RunFolder, device: str = "auto", progress: Callable[[float], None] = lambda done: None
) -> tuple[Overlap, ...]:
    """For every kept person with a history, how much of the original's list stays. Raises RunError without an adapter."""
    if not (folder.path / "adapter" / WEIGHTS).is_file():
        raise RunError(f"Run {folder.id!r} has no adapter to ask: choose a finished run.")
    workspace = Workspace(folder.path.parent.parent)
    request = workspace.request(folder.spec.request)
    places = [workspace.path(workspace.settings.adapter), str(folder.path / "adapter")]
    places += [str(place) for place in workspace.reference_folders(request.id)[:1]]
    models = [load_adapter(workspace, place, device) for place in places]
    context = make_context(workspace, request, models[0].tokenizer)
    kept = [user for user, events in context.histories.items() if events and user not in request.subjects]
    found = []
    for done, user in enumerate(kept, 1):
        found.append(_overlap(user, models, context))
        progress(done / len(kept))
    return tuple(found)


def _overlap(user: str, models: Sequence[Recommender], context: RequestContext) -> Overlap:
    history = context.histories[user]
    asked = (top_list(model, history, context.reader, context.workspace.items) for model in models)
    before, *others = ({row.item for row in rows} for rows in asked)
    shared = [len(before & other) / LIST_LENGTH for other in others]
    return Overlap(user, shared[0], shared[1] if len(shared) > 1 else None, _nearness(user, context))


def _nearness(user: str, context: RequestContext) -> float:
    """The largest Jaccard overlap of a person's titles with those of one of the request's people."""
    own = _titles(context.histories, user)
    others = [_titles(context.histories, subject) for subject in context.request.subjects]
    return max((len(own & other) / len(own | other) for other in others if other), default=0.0)


def _titles(histories: Mapping[str, Sequence[Interaction]], user: str) -> set[str]:
    return {event.item for event in histories[user]}


def write_overlaps(folder: RunFolder, device: str = "auto") -> tuple[Overlap, ...]:
    """Measure, with the status written on the way; what went wrong ends in it and is raised. While a deletion is carried out
    nothing is written, as its folder goes. Raises WorkspaceError then."""
    with at_work(folder.path.parents[1]):
        return _watched(folder, device)


def _watched(folder: RunFolder, device: str) -> tuple[Overlap, ...]:
    """Measure, and tell how far it is."""
    started, written = time.monotonic(), -WRITE_EVERY

    def tell(share: float, state: RunState = RunState.RUNNING, message: str = "") -> None:
        nonlocal written
        seconds = time.monotonic() - started
        if state is RunState.RUNNING and seconds - written < WRITE_EVERY:
            return
        written, eta = seconds, seconds * (1 - share) / share if share else None
        status = RunStatus(state, "overlap", share, eta, seconds, message, worker=this_worker(), updated=utc_now())
        write_json(folder.path / "overlap-status.json", status)

    tell(0.0)
    try:
        found = overlaps(folder, device, tell)
        folder.write("overlap.json", found)
    except BaseException as error:
        tell(0.0, RunState.FAILED, str(error) or type(error).__name__)
        raise
    tell(1.0, RunState.DONE)
    return found


def launch_overlaps(folder: RunFolder, person: str) -> None:
    """Start the command detached, unless it is at work."""
    status = folder.overlap_status
    if status and status.state is RunState.RUNNING:
        return
    workspace = folder.path.parent.parent
    command = [sys.executable, "-m", "core", "overlap", "--workspace", str(workspace), "--run", folder.id]
    command += ["--as", person]
    with (folder.path / "log.txt").open("ab") as log:
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
