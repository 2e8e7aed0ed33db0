"""Commands on finished runs: `report`, `overlap`, `verify` and `verify-destruction`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import err, follow_run, out, progress, report_table
from core.cli.options import Device, Json, Person, RunId, WorkspacePath, workspace_for_runs
from core.errors import RunError
from core.report.check_texts import next_steps, render
from core.review.batches import check_free
from core.review.permissions import check_operators
from core.runs.handle import RunHandle, open_run
from core.types import Check, Part, RunState, Verdict, Verification
from core.utils.serialization import read_json, to_json
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.review.audit import AuditResult

COLOURS = {
    Verdict.PASS: "green",
    Verdict.EXACT: "green",
    Verdict.NO_TRACE: "green",
    Verdict.FAIL: "red",
    Verdict.INCONCLUSIVE: "yellow",
}
PARTS = {
    Part.ENDPOINT: "Endpoints",
    Part.GUARDRAIL: "Guardrails, which stop a pass by failing",
    Part.CONDITION: "Conditions of a pass",
    Part.DESCRIPTION: "Descriptions, without influence on the verdict",
}


def report(
    workspace: WorkspacePath,
    run_id: RunId,
    as_json: Json = False,
) -> None:
    """Print the results of a finished run and the path of its full report."""
    run = open_run(Workspace(workspace), run_id)
    if run.report is None or run.evaluation is None:
        raise RunError(_no_report(run))
    if as_json:
        print(json.dumps(read_json(run.layout.report_numbers)))
        return
    closeness, baseline = run.evaluation.closeness, run.evaluation.item_mean_auc.value
    out.print(report_table(run.evaluation))
    out.print(
        f"Residual on the forget set: {closeness.residual:.3f} (1 = nothing changed, 0 = equal to the references); "
        f"Jensen-Shannon divergence: {closeness.jsd:.5f} bits.",
        highlight=False,
    )
    out.print(f"Item-mean baseline (mean training label of each title), test AUC: {baseline:.3f}", highlight=False)
    out.print(f"Full report: {run.report}", highlight=False, soft_wrap=True)


def _no_report(run: RunHandle) -> str:
    """Why a run has no report, and what to do."""
    match state := run.status.state:
        case RunState.QUEUED | RunState.RUNNING:
            return f"Run {run.id!r} has no report yet (it is {state}): wait for its end."
        case RunState.FAILED:
            log = run.layout.log
            return f"Run {run.id!r} failed and has no report: read {log}, then resume it or launch a new one."
        case RunState.LOST:
            return f"Run {run.id!r} is lost and has no report: resume it or launch a new one."
        case _:  # a done run whose report was removed, or a cancelled one
            return f"Run {run.id!r} is {state} and has no report: launch a new one."


def overlap(
    workspace: WorkspacePath,
    run_id: Annotated[str, typer.Option("--run", help="Id of a finished run.")],
    device: Device = "auto",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Compare the top-10 list of every other user before and after a run."""
    from core.runs.list_overlap import write_overlaps  # loads torch

    run = open_run(workspace_for_runs(workspace, person), run_id)
    check_operators(run.workspace, run.spec.request, person)
    overlaps = write_overlaps(run, device, person)
    if as_json:
        print(json.dumps(to_json(overlaps)))
        return
    unchanged = sum(row.after == 1 for row in overlaps)
    mean = sum(row.after for row in overlaps) / max(1, len(overlaps))
    kept = f"{unchanged} of {len(overlaps)} other users keep all titles of their top-10 list"
    out.print(f"{kept}; on average {mean:.0%} of the titles stay.")


def verify(
    root: WorkspacePath,
    run_id: Annotated[str, typer.Option("--run", help="Id of a finished run.")] = "",
    adapter: Annotated[
        Path | None,
        typer.Option("--adapter", help="Instead of a run: a folder with a PEFT adapter that another tool unlearned."),
    ] = None,
    request_id: Annotated[str, typer.Option("--request", "-r", help="With --adapter: the request's id.")] = "",
    device: Device = "auto",
    full: Annotated[
        bool, typer.Option("--full", help="Rank the lists of all users, and run the slow checks (V5, V7, V8).")
    ] = False,
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Compare a finished run with retrained references and come to a verdict; exit code 1 for FAIL and INCONCLUSIVE.

    With --adapter and --request, the adapter is first taken in as a run of method "external".
    """
    from core.runs.verify import verify_run  # loads torch

    _check_choice(run_id, adapter, request_id)
    workspace = workspace_for_runs(root, person)
    run = (
        _external_run(workspace, request_id, adapter, device, person, as_json)
        if adapter
        else open_run(workspace, run_id)
    )
    check_operators(workspace, run.spec.request, person)
    with progress(as_json) as bars:
        bar = bars.add_task("models evaluated", total=1.0)
        found = verify_run(run, device, full, lambda done: bars.update(bar, completed=done), person)
    if as_json:
        print(json.dumps(to_json(found)))
    else:
        _print_verification(found)
    if not found.verdict.passes:
        raise typer.Exit(1)


def _check_choice(run_id: str, adapter: Path | None, request_id: str) -> None:
    """Raise RunError unless either a run is named, or an adapter with its request."""
    if bool(run_id) == bool(adapter) or bool(adapter) != bool(request_id):
        raise RunError("Name what to verify: either --run RUN, or --adapter FOLDER with --request REQUEST.")


def _external_run(
    workspace: Workspace, request_id: str, adapter: Path, device: str, person: str, as_json: bool
) -> RunHandle:
    """Take an adapter of another tool in as a run, and follow the run to its end."""
    from core.runs.external import create_external_run  # loads torch and transformers
    from core.runs.submit import start  # loads torch

    check_operators(workspace, request_id, person)
    check_free(workspace, request_id)
    run = create_external_run(workspace, request_id, adapter, device, person)
    start(run)
    if not as_json:
        out.print(f"Run {run.id} holds a copy of the adapter.", highlight=False)
    follow_run(run, as_json, person)
    if run.status.state is not RunState.DONE:
        raise RunError(f"Run {run.id!r} is {run.status.state} and cannot be verified: {run.status.message}")
    return run


def _print_verification(verification: Verification) -> None:
    """Print the verdict, the next steps, two lines for each check, and what was not run."""
    shown = render(verification)
    out.print(
        f"{shown.verdict.upper()}. {shown.sentence}", style=COLOURS[shown.verdict], highlight=False, soft_wrap=True
    )
    for step in next_steps(verification):
        out.print(f"Next: {step}", highlight=False, soft_wrap=True)
    for part, title in PARTS.items():
        if own := [check for check in shown.checks if check.part is part]:
            out.print(f"{title}:", highlight=False)
            for check in own:
                _print_check(check, check in shown.deciding)
    out.print(f"Not covered: {'; '.join(shown.not_run.values())}.", highlight=False, soft_wrap=True)


def _print_check(check: Check, decides: bool) -> None:
    word, style = (check.verdict.upper(), COLOURS[check.verdict]) if decides else ("measured", None)
    out.print(f"{word:<13}{check.id:<4}{check.sentence}", style=style, soft_wrap=True, highlight=False)
    bounds = f" (bounds: {check.source})" if check.low is not None or check.high is not None else ""
    value = f"{check.value.value:.3f} [{check.value.low:.3f}, {check.value.high:.3f}], n = {check.value.n}"
    out.print(f"                 {check.name}: {value}{bounds}", soft_wrap=True, highlight=False)


def verify_destruction(
    root: WorkspacePath,
    request_id: Annotated[
        str, typer.Option("--request", "-r", help="Id of one request; by default all closed ones.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Search every file of the workspace for data of closed requests, by the pseudonyms and digests in the ledger."""
    from core.review.audit import audit  # loads the signing libraries

    workspace = Workspace(root)
    found = audit(workspace, request_id or None)
    if as_json:
        print(json.dumps(to_json(found)))
    else:
        _print_destruction(found, workspace)
    if not found.clean:
        raise typer.Exit(1)


def _print_destruction(found: "AuditResult", workspace: Workspace) -> None:
    if not found.requests:
        err.print("The ledger has no destruction entry, so nothing was searched for.", style="red")
    for name in found.traces:
        text = f"{name} still shows something that closed requests deleted."
        err.print(text, style="red", highlight=False, soft_wrap=True)
    for name, why in found.unread.items():
        text = f"{name} was not searched ({why}), so nobody knows what it holds: move it out of the workspace."
        err.print(text, style="red", highlight=False, soft_wrap=True)
    if not found.served:
        from core.review.audit import NOT_APPROVED  # loads the signing libraries

        err.print(f"{NOT_APPROVED}: find out who replaced it.", style="red", soft_wrap=True)
    if found.clean:
        requests = ", ".join(found.requests)
        text = f"No data of {requests} were found in {workspace.root}, and the approved recommender is in use."
        out.print(text, highlight=False, soft_wrap=True)
