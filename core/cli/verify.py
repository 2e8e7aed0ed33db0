"""python -m core report, overlap, verify and verify-destruction: what a run did, and whether it may be believed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import err, out, progress, report_table
from core.cli.options import Device, Json, Person, RunId, WorkspacePath, for_runs
from core.runs.run_folder import run_folder
from core.types import Verdict, Verification
from core.utils.serialization import read_json, to_json
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.review.audit import AuditResult


def report(
    workspace: WorkspacePath,
    run_id: RunId,
    as_json: Json = False,
) -> None:
    """Print what a finished run did, and where its full report is."""
    from core.errors import RunError
    from core.runs.run_folder import run_folder
    from core.workspace import Workspace

    folder = run_folder(Workspace(workspace), run_id)
    if folder.report is None or folder.evaluation is None:
        raise RunError(
            f"Run {run_id!r} has no report (it is {folder.status.state}): wait until it is done, or look at {folder.path / 'log.txt'}."
        )
    if as_json:
        print(json.dumps(read_json(folder.path / "report.json")))
        return
    out.print(report_table(folder.evaluation))
    closeness = folder.evaluation.closeness
    out.print(
        f"Residual on the forget set {closeness.residual:.3f} (1 = did nothing, 0 = like the references); JSD {closeness.jsd:.5f} bits.",
        highlight=False,
    )
    out.print(f"Item-mean baseline, test AUC: {folder.evaluation.item_mean_auc.value:.3f}", highlight=False)
    out.print(f"Full report: {folder.report}", highlight=False, soft_wrap=True)


def overlap(
    workspace: WorkspacePath,
    run_id: Annotated[str, typer.Option("--run", help="A finished run's id.")],
    device: Device = "auto",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Compare every kept person's list before and after a run: whom else did it touch?"""
    from core.runs.list_overlap import write_overlaps
    from core.runs.run_folder import run_folder

    found = write_overlaps(run_folder(for_runs(workspace, person), run_id), device)
    if as_json:
        print(json.dumps(to_json(found)))
        return
    same = sum(one.after == 1 for one in found)
    mean = sum(one.after for one in found) / max(1, len(found))
    out.print(f"Of {len(found)} kept people, {same} keep all titles of their top 10; on average {mean:.0%} stay.")


def verify(
    workspace: WorkspacePath,
    run_id: RunId,
    device: Device = "auto",
    full: Annotated[
        bool, typer.Option("--full", help="Look at everybody's lists, and ask what takes long (V5, V7, V8).")
    ] = False,
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Check a finished run against models that never saw the data; exit code 0 only where every check passes."""
    from core.runs.verify import verify as examine

    folder = run_folder(for_runs(workspace, person), run_id)
    with progress(as_json) as bars:
        bar = bars.add_task("models asked", total=1.0)
        found = examine(folder, device, full, lambda done: bars.update(bar, completed=done))
    if as_json:
        print(json.dumps(to_json(found)))
    else:
        _verdicts(found)
    if found.verdict is not Verdict.PASS:
        raise typer.Exit(1)


def _verdicts(found: Verification) -> None:
    """A line a check, then what was not asked."""
    colours = {Verdict.PASS: "green", Verdict.FAIL: "red", Verdict.INCONCLUSIVE: "yellow"}
    for one in found.checks:
        out.print(
            f"{one.verdict.upper():<13}{one.id:<4}{one.sentence}",
            style=colours[one.verdict],
            soft_wrap=True,
            highlight=False,
        )
        bounds = f" (bounds: {one.source})" if one.low is not None or one.high is not None else ""
        told = f"{one.value.value:.3f} [{one.value.low:.3f}, {one.value.high:.3f}], n = {one.value.n}"
        out.print(f"                 {one.name}: {told}{bounds}", soft_wrap=True, highlight=False)
    out.print(f"All together: {found.verdict.upper()}, of the checks that were run.", highlight=False)
    out.print(f"Not looked at: {'; '.join(found.not_run.values())}.", highlight=False, soft_wrap=True)


def verify_destruction(
    workspace: WorkspacePath,
    request_id: Annotated[
        str, typer.Option("--request", "-r", help="One request; left out, all that are closed.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Look through every file of the workspace for what closed requests took out, by the pseudonyms and digests of the ledger."""
    from core.review.audit import audit

    place = Workspace(workspace)
    found = audit(place, request_id or None)
    if as_json:
        print(json.dumps(to_json(found)))
    else:
        _looked(found, place)
    if not found.clean:
        raise typer.Exit(1)


def _looked(found: "AuditResult", place: Workspace) -> None:
    if not found.requests:
        err.print("No destruction is in the ledger: nothing was searched for.", style="red")
    for name in found.traces:
        err.print(f"{name} still shows something.", style="red", highlight=False, soft_wrap=True)
    if not found.served:
        err.print("The adapter in use is not the one that was approved last: ask who exchanged it.", style="red")
    if found.clean:
        told = f"Of {', '.join(found.requests)} nothing is found in {place.root}, and the approved adapter is in use."
        out.print(told, highlight=False, soft_wrap=True)
