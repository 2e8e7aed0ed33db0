"""Verifying a run: three kinds of models are asked the same questions, and the checks compare their answers.

It is no stage of the run but a command of its own, which may come later and be repeated; it alone writes verification.json.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.busy import at_work
from core.context import Context, load_adapter, make_context
from core.errors import RunError
from core.files import agree
from core.runs.answers import answers_of, neighbours
from core.runs.folder import RunFolder, accounts_of
from core.types import Check, RunState, Verdict, Verification
from core.verification.battery import verification
from core.verification.evidence import Answers, Evidence
from core.verification.judge import counted
from core.verification.thresholds import Thresholds
from core.workspace import ADAPTER_CONFIG, WEIGHTS, Workspace


def verify(
    folder: RunFolder, device: str = "auto", full: bool = False, progress: Callable[[float], None] = lambda done: None
) -> Verification:
    """Ask and check, and write the result into the run's folder. full: everybody's lists are looked at, and the checks are
    asked that take long.

    Raises RunError for a run that is not done, RecordError where the workspace keeps a ledger that takes no entry.
    """
    if folder.status.state is not RunState.DONE:
        raise RunError(f"Run {folder.id!r} is {folder.status.state}: choose a finished run to verify.")
    bounds, workspace = Thresholds(), Workspace(folder.path.parents[1])
    with at_work(workspace.root):
        found = verification(
            folder.id, _evidence(folder, device, bounds, full, progress), (_identity(folder), _frozen(folder, bounds))
        )
        folder.write("verification.json", found)
        if ledger := accounts_of(workspace):
            ledger.record_verification(workspace, folder, found)
    return found


def _evidence(
    folder: RunFolder, device: str, bounds: Thresholds, full: bool, progress: Callable[[float], None]
) -> Evidence:
    workspace = Workspace(folder.path.parents[1])
    request = workspace.request(folder.spec.request)
    places = [folder.path / "adapter", Path(workspace.path(workspace.settings.adapter))]
    places += workspace.reference_folders(request.id)
    answers: list[Answers] = []
    context: Context | None = None  # the same for all: they share a tokenizer
    for done, place in enumerate(places, 1):
        recommender = load_adapter(workspace, str(place), device)
        context = context or make_context(workspace, request, recommender.tokenizer)
        answers.append(answers_of(recommender, context, full))
        progress(done / len(places))
    model, original, *references = answers
    near = neighbours(context) if context else frozenset()
    return Evidence(model, original, tuple(references), bounds, near, 1 + len(workspace.closed()))


def _identity(folder: RunFolder) -> Check:
    """V12: the adapter that lies there is the one that the run made, to the bit."""
    made: dict[str, Any] = next((event for event in reversed(folder.events()) if event["kind"] == "adapter"), {})
    files = {"sha256": folder.path / "adapter" / WEIGHTS, "config": folder.path / "adapter" / ADAPTER_CONFIG}
    as_made = agree(files, made)
    same = as_made and files.keys() <= made.keys()  # runs of an older version told the weights alone
    if same:
        found, sentence = Verdict.PASS, "The adapter is the very one that the run made."
    elif not as_made:
        found, sentence = (
            Verdict.FAIL,
            "The adapter is not the one that the run made: it was changed, exchanged or taken away.",
        )
    else:
        found, sentence = (
            Verdict.INCONCLUSIVE,
            "The run did not tell all of which adapter it made: launch it anew to know.",
        )
    return _exact("V12", "the adapter is the one that was made", same, found, "SHA-256, exact", sentence)


def _frozen(folder: RunFolder, bounds: Thresholds) -> Check:
    """V0: nobody chose the bounds with the result in sight."""
    same = folder.spec.thresholds == bounds.digest
    found = Verdict.PASS if same else Verdict.INCONCLUSIVE
    sentence = (
        "What counts as passed was fixed before the run began."
        if same
        else "The run began with other bounds than these, or with none: launch it anew to have them fixed beforehand."
    )
    return _exact("V0", "the bounds were fixed before the run", same, found, "SHA-256 of all bounds", sentence)


def _exact(id: str, name: str, same: bool, verdict: Verdict, source: str, sentence: str) -> Check:
    return Check(id, name, verdict, counted(float(same), 1), 1.0, 1.0, source, None, sentence)
