"""Verification of a finished run, as a command of its own that may be repeated.

1. Check files by their digests: the adapter (V12), the margins and the references (V0).
2. Load the unlearned adapter, the original adapter and each reference, and collect their outputs on the same rows.
3. Run the suite of checks.
4. Write verification.json and, where the workspace has a ledger, an entry.

`core.verification` returns codes and numbers. This module stores the English texts beside them, because
ledger entries are read for years; on a machine without fluent.runtime it stores codes and numbers only.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from core.errors import RunError
from core.models.base_parts import load_tokenizer
from core.models.hub import resolve
from core.models.recommender import Recommender
from core.pipeline.collect_answers import collect_answers, neighbours
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.pipeline.kept_answers import ReferenceAnswers
from core.pipeline.question import question_digest
from core.pipeline.training_inputs import training_inputs
from core.report.check_texts import english, render
from core.report.localization import can_make_texts
from core.runs.adapter_identity import adapter_files, differs_from_original, recorded_digests
from core.runs.answer_files import AnswerFiles, reference_digest
from core.runs.bundle import Bundle, digests, written
from core.runs.closed import confirmed_closed
from core.runs.handle import RunHandle, runs
from core.runs.ledger import NullLedger, RunLedger, VerificationInputs, open_ledger
from core.runs.requests import check_opened
from core.runs.signed_files import TRAINING_INPUTS
from core.types import EXTERNAL, Check, Evaluation, RunState, Verdict, Verification
from core.unlearning.methods import recorded_method
from core.utils.hashing import digests_match, sha256_of_file
from core.utils.serialization import parse_json, read_file
from core.verification.drift_budget import drift_of, fall_of
from core.verification.equivalence import exact_value
from core.verification.evidence import Evidence
from core.verification.thresholds import Thresholds
from core.verification.verdict_inputs import VerdictInputs, judge, to_parts, without_ids
from core.workspace.locks import shared_model_lock
from core.workspace.run_layout import AdapterLayout


def _ignore(_done: float) -> None:
    """Report no progress."""


def verify_run(
    run: RunHandle,
    device: str = "auto",
    full: bool = False,
    progress: Callable[[float], None] = _ignore,
    person: str = "",
) -> Verification:
    """Verify a run and write the result into its folder and into the ledger.

    Args:
        run: The finished run.
        device: Device of the models.
        full: Also run the slow checks (V5, V7, V8), and rank the lists of all users instead of some.
        progress: Called with the share of models that are done.
        person: Who has it verified.

    Returns:
        The verification, with English texts where fluent.runtime is installed.

    Raises:
        RunError: The run is not done.
        RequestError: The request, or a row that it is about, was changed since it was opened.
        ReviewError: The settings are not those that were signed.
        LedgerError: The workspace has a ledger that takes no entry.
    """
    if run.status.state is not RunState.DONE:
        raise RunError(f"Run {run.id!r} is {run.status.state}: choose a finished run to verify.")
    ledger = open_ledger(run.workspace)
    ledger.check()  # before minutes of work whose entry could not be made
    workspace = run.workspace
    check_opened(workspace, workspace.request(run.spec.request))
    margins, closed = Thresholds(workspace.settings.forgotten_share), confirmed_closed(workspace, ledger)
    with shared_model_lock(workspace):
        asked = question_digest(workspace, workspace.request(run.spec.request))  # before the data are read
        context = context_of(run)
        files = AnswerFiles(context.request.id, ledger)
        references = files.trained(workspace.reference_folders(context.request.id))  # once: these are asked and signed
        exact = (_identity(run, ledger), _frozen(run, margins, ledger), _distinct(run, ledger, context, references))
        evidence, used = _evidence(run, files, references, context, device, margins, full, progress)
        evaluation, evaluated = _evaluation(run)
        evidence = replace(without_ids(evidence), attempt=attempt_of(run, ledger), requests=1 + len(closed))
        retrained = _is_retrained(run, ledger, context)
        inputs = VerdictInputs(run.id, evidence, exact, retrained, drift_of(closed), fall_of(evaluation))
        found, parts = judge(inputs), to_parts(inputs)
        if can_make_texts():
            found = render(found, english())
        if question_digest(workspace, workspace.request(context.request.id)) != asked:
            raise RunError(f"The data or settings of {workspace.root} changed meanwhile: verify run {run.id!r} again.")
        run.write_verification(found)
        run.write_bundle(written(Bundle(parts)))
        used |= {**evaluated, **files.subjects(references)}
        known = VerificationInputs(used, context.request, context.split.forget, asked, person, digests(parts))
        ledger.record_verification(run, found, known)
    return found


def context_of(run: RunHandle) -> RequestContext:
    """The data of a run's request, without a model."""
    workspace = run.workspace
    base = resolve(workspace.base, workspace.settings.base_revision)
    return make_context(workspace, workspace.request(run.spec.request), load_tokenizer(base))


def _evidence(
    run: RunHandle,
    files: AnswerFiles,
    folders: Sequence[Path],
    context: RequestContext,
    device: str,
    margins: Thresholds,
    full: bool,
    progress: Callable[[float], None] = _ignore,
) -> tuple[Evidence, dict[str, str]]:
    """What the checks compare, and the SHA-256 of both adapters that were loaded, by their names in the ledger."""
    workspace = run.workspace
    unlearned = load_adapter(workspace, str(run.layout.adapter), device)
    references = ReferenceAnswers(files, context, unlearned, device)
    ask = partial(collect_answers, context=context, full=full)
    answers, loaded = [ask(unlearned)], _names(unlearned, "adapter after", "adapter config")
    del unlearned  # before the next one is loaded
    original = load_adapter(workspace, str(workspace.adapter), device)
    answers.append(ask(original))
    loaded |= _names(original, "adapter before", "adapter before, config")
    del original
    for done, folder in enumerate(folders, 2):
        progress(done / (2 + len(folders)))
        answers.append(references.of(folder, "verification-full" if full else "verification", answers[0], ask))
    progress(1.0)
    after, before, *others = answers
    found = Evidence(after, before, tuple(others), margins, neighbours(context))
    return found, loaded


def _evaluation(run: RunHandle) -> tuple[Evaluation | None, dict[str, str]]:
    """The evaluation of a run, and the SHA-256 of the very bytes, by its name in the ledger; None where it has none."""
    path = run.layout.evaluation
    if not path.is_file():
        return None, {}
    content = read_file(path)
    return parse_json(content, Evaluation, path), {"evaluation": hashlib.sha256(content).hexdigest()}


def _names(model: Recommender, weights: str, config: str) -> dict[str, str]:
    """Digests of the adapter that a model was loaded with, by their names in the ledger."""
    return {weights: model.adapter_digests["weights"], config: model.adapter_digests["config"]}


def attempt_of(run: RunHandle, ledger: RunLedger) -> int:
    """Which attempt at its request a run is, from 1.

    Earlier finished runs count, also those that only the ledger still knows, under this id or another one for the same
    rows. Retrained runs do not count, because nobody tries settings until one passes.
    """
    own = run.spec
    earlier = {
        other.id
        for other in runs(run.workspace).whole()
        if other.spec.request == own.request
        and (other.spec.created, other.id) < (own.created, own.id)
        and other.status.state is RunState.DONE
        and not recorded_method(other.spec.method).retrain
    }
    return 1 + len(earlier | ledger.runs_before(run.id, own.request))


def _identity(run: RunHandle, ledger: RunLedger) -> Check:
    """V12: the adapter is the one that the run made, to the bit, and differs from the original."""
    present, recorded = adapter_files(run), recorded_digests(run, ledger)
    matches = digests_match(present, recorded)
    complete = present.keys() <= recorded.keys()  # runs of older versions recorded the digest of the weights only
    if not matches:
        found, reason = Verdict.FAIL, "replaced"
    elif not differs_from_original(run):
        found, reason = Verdict.FAIL, "unchanged"
    elif not complete:
        found, reason = Verdict.INCONCLUSIVE, "incomplete_digests"
    else:
        found, reason = Verdict.PASS, EXTERNAL if run.spec.is_external else ""
    return _exact("V12", "adapter_identity", found, reason)


def _is_retrained(run: RunHandle, ledger: RunLedger, context: RequestContext) -> bool:
    """Whether the run trained the adapter again on these rows; the files alone say so only where no ledger is kept."""
    if not recorded_method(run.spec.method).retrain or isinstance(ledger, NullLedger):
        return recorded_method(run.spec.method).retrain
    signed = ledger.run_content(run.id).get("method", {}).get("name")
    learned = ledger.run_subjects(run.id).get(TRAINING_INPUTS)  # earlier versions entered none
    alike = learned in (None, ledger.mark(TRAINING_INPUTS, training_inputs(context)))
    return signed == run.spec.method and alike


def _frozen(run: RunHandle, margins: Thresholds, ledger: RunLedger) -> Check:
    """V0: the bounds were fixed before the run, so nobody chose them to fit the result."""
    same = ledger.run_content(run.id).get("thresholds", run.spec.thresholds) == margins.digest
    return _exact("V0", "thresholds_frozen", Verdict.PASS if same else Verdict.INCONCLUSIVE)


def _distinct(run: RunHandle, ledger: RunLedger, context: RequestContext, folders: Sequence[Path]) -> Check:
    """V0: the references differ from each other and from the adapters, and were trained, on these rows, as recorded."""
    workspace, request = run.workspace, run.spec.request
    present = {folder.name: reference_digest(folder) for folder in folders}
    others = {sha256_of_file(AdapterLayout(folder).weights) for folder in (run.layout.adapter, workspace.adapter)}
    separate = len(others | {*present.values()}) == len(others) + len(present)
    recorded = ledger.reference_digests(request)
    newest = {one["seed"]: one for one in ledger.reference_contents(request)}  # a reference may be trained again
    learned = {one["inputs"] for one in newest.values() if "inputs" in one}
    alike = not learned or learned == {ledger.mark("reference", training_inputs(context))}
    if not separate or not alike or (recorded and present.keys() != recorded.keys()):
        return _exact("V0", "references_distinct", Verdict.INCONCLUSIVE)
    return _exact("V0", "references_distinct", Verdict.PASS, "recorded" if recorded else "partly_recorded")


def _exact(id: str, code: str, verdict: Verdict, reason: str = "") -> Check:
    """A check with value 1 for PASS and 0 otherwise."""
    value = exact_value(float(verdict is Verdict.PASS), 1)
    return Check(id, verdict, value, 1.0, 1.0, None, code, reason)
