"""Verifying a run: three kinds of models are asked the same questions, and the checks compare their answers.

It is no stage of the run but a command of its own, which may come later and be repeated; it alone writes verification.json.
"""

from collections.abc import Callable
from pathlib import Path

from core.errors import RunError
from core.pipeline.collect_answers import answers_of, neighbours
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.runs.adapter_identity import adapter_files, differs_from_original, recorded_digests
from core.runs.handle import RunHandle as RunFolder
from core.runs.ledger import RunLedger, open_ledger
from core.types import Check, RunState, Verdict, Verification
from core.utils.hashing import digests_match, sha256_of_file
from core.verification.equivalence import counted
from core.verification.evidence import Answers, Evidence
from core.verification.suite import verification
from core.verification.thresholds import Thresholds
from core.workspace.locks import at_work
from core.workspace.run_layout import WEIGHTS


def verify(
    folder: RunFolder, device: str = "auto", full: bool = False, progress: Callable[[float], None] = lambda done: None
) -> Verification:
    """Ask and check, and write the result into the run's folder. full: everybody's lists are looked at, and the checks are
    asked that take long.

    Raises RunError for a run that is not done, RecordError where the workspace keeps a ledger that takes no entry.
    """
    if folder.status.state is not RunState.DONE:
        raise RunError(f"Run {folder.id!r} is {folder.status.state}: choose a finished run to verify.")
    bounds, workspace, ledger = Thresholds(), folder.workspace, open_ledger(folder.workspace)
    with at_work(workspace):
        exact = (_identity(folder, ledger), _frozen(folder, bounds, ledger), _distinct(folder, ledger))
        found = verification(folder.id, _evidence(folder, device, bounds, full, progress), exact)
        folder.write(folder.layout.verification, found)
        ledger.record_verification(folder, found)
    return found


def _evidence(
    folder: RunFolder, device: str, bounds: Thresholds, full: bool, progress: Callable[[float], None]
) -> Evidence:
    workspace = folder.workspace
    request = workspace.request(folder.spec.request)
    places = _places(folder)
    answers: list[Answers] = []
    context: RequestContext | None = None  # the same for all: they share a tokenizer
    for done, place in enumerate(places, 1):
        recommender = load_adapter(workspace, str(place), device)
        context = context or make_context(workspace, request, recommender.tokenizer)
        answers.append(answers_of(recommender, context, full))
        progress(done / len(places))
    model, original, *references = answers
    near = neighbours(context) if context else frozenset()
    return Evidence(model, original, tuple(references), bounds, near, 1 + len(workspace.closed()))


def _places(folder: RunFolder) -> list[Path]:
    """Where the adapters lie that are compared: the candidate, the original, the references."""
    workspace = folder.workspace
    return [folder.layout.adapter, workspace.adapter, *workspace.reference_folders(folder.spec.request)]


def _identity(folder: RunFolder, ledger: RunLedger) -> Check:
    """V12: the adapter that lies there is the one that the run made, to the bit, and not the one that was to forget."""
    there, told = adapter_files(folder), recorded_digests(folder, ledger)
    right = digests_match(there, told)
    same = right and there.keys() <= told.keys()  # runs of an older version told the weights alone
    if right and not differs_from_original(folder):
        found, same = Verdict.FAIL, False
        sentence = "The run left the adapter as it was, to the bit: nothing was forgotten."
    elif same:
        found, sentence = Verdict.PASS, "The adapter is the very one that the run made."
    elif not right:
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


def _frozen(folder: RunFolder, bounds: Thresholds, ledger: RunLedger) -> Check:
    """V0: nobody chose the bounds with the result in sight."""
    same = ledger.run_content(folder.id).get("thresholds", folder.spec.thresholds) == bounds.digest
    found = Verdict.PASS if same else Verdict.INCONCLUSIVE
    sentence = (
        "What counts as passed was fixed before the run began."
        if same
        else "The run began with other bounds than these, or with none: launch it anew to have them fixed beforehand."
    )
    return _exact("V0", "the bounds were fixed before the run", same, found, "SHA-256 of all bounds", sentence)


def _distinct(folder: RunFolder, ledger: RunLedger) -> Check:
    """V0: a reference that is a copy of something else, or is not the one that was trained, tells of nothing but itself."""
    workspace = folder.workspace
    candidate, original, *references = (sha256_of_file(place / WEIGHTS) for place in _places(folder))
    names = [place.name for place in workspace.reference_folders(folder.spec.request)]
    there = dict(zip(names, references, strict=True))
    trained = ledger.reference_digests(folder.spec.request)
    others = {candidate, original}
    same = len(others | {*references}) == len(others) + len(references) and there == there | trained
    found = Verdict.PASS if same else Verdict.INCONCLUSIVE
    sentence = (
        f"The models that never saw the data are different ones, {'' if there == trained else 'not all of them entered '}as they were trained."
        if same
        else "A model that never saw the data was exchanged or taken away, or is a copy of another one: train it anew."
    )
    return _exact("V0", "the references are models of their own", same, found, "SHA-256, exact", sentence)


def _exact(id: str, name: str, same: bool, verdict: Verdict, source: str, sentence: str) -> Check:
    return Check(id, name, verdict, counted(float(same), 1), 1.0, 1.0, source, None, sentence)
