"""python -m core estimate, run, resume, cancel, verify, export and doctor: runs from before their launch to their end."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.arguments import Device, Json, Person, RequestId, RunId, WorkspacePath
from core.console import err, follow, out, progress
from core.files import plain
from core.review.rights import check_operators, require
from core.runs.folder import RunFolder, run_folder
from core.types import Act, Verdict, Verification
from core.unlearning.methods import METHODS
from core.workspace import Workspace

Detach = Annotated[bool, typer.Option("--detach", help="Return at once; watch it in the dashboard.")]
Steps = Annotated[int, typer.Option(help="Most unlearning steps; 0 means the method's own.", min=0)]
Method = Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}.")]


def estimate(
    workspace: WorkspacePath,
    request_id: RequestId,
    method: Method = "cure",
    device: Device = "auto",
    steps: Steps = 0,
    as_json: Json = False,
) -> None:
    """Say about how long a run would take on this machine, and how much memory; nothing is launched."""
    from core.runs.estimate import estimate as reckon

    found = reckon(Workspace(workspace), request_id, method, device, steps)
    if as_json:
        print(json.dumps({**plain(found), "fits": found.fits}))
        return
    out.print(
        f"About {found.seconds:.0f} seconds on {found.device} ({found.dtype}), give or take a factor of two. "
        f"It needs about {found.memory / 1e9:.1f} GB of memory; {found.free / 1e9:.1f} GB are free now.",
        highlight=False,
        soft_wrap=True,
    )
    if not found.fits:
        err.print("It does not fit: choose another device, or lay the model out over several cards.", style="red")
        raise typer.Exit(1)


def run(
    workspace: WorkspacePath,
    request_id: RequestId,
    method: Method = "cure",
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
    steps: Steps = 0,
    launcher: Annotated[str, typer.Option(help="local, slurm or ray; left out, the workspace's own.")] = "",
    person: Person = "",
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Unlearn a request: launches a worker, shows its progress, and ends when it ends."""
    from core.runs.launch import create_run, start

    place = for_runs(workspace, person)
    check_operators(place, request_id, person)
    folder = create_run(place, request_id, method, device, seed, steps, launcher=launcher, by=person)
    start(folder)
    _told(folder, workspace, detach, as_json)


def resume(
    workspace: WorkspacePath, run_id: RunId, person: Person = "", detach: Detach = False, as_json: Json = False
) -> None:
    """Go on with a failed or lost run from its last checkpoint."""
    from core.runs.launch import resume as go_on

    folder = run_folder(for_runs(workspace, person), run_id)
    go_on(folder)
    _told(folder, workspace, detach, as_json)


def cancel(workspace: WorkspacePath, run_id: RunId, person: Person = "", as_json: Json = False) -> None:
    """Stop a run and destroy its candidate adapter; the adapter in use is not touched."""
    folder = run_folder(for_runs(workspace, person), run_id)
    folder.ask_to_cancel()
    if as_json:
        print(json.dumps({"id": folder.id, **plain(folder.status)}))
        return
    heard = "is asked to stop" if folder.cancel_asked else "is stopped"
    out.print(f"Run {run_id} {heard}.", highlight=False)


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
        print(json.dumps(plain(found)))
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


def export(
    workspace: WorkspacePath,
    run_id: RunId,
    uri: Annotated[
        str,
        typer.Option(help="file:FOLDER, http(s)://HOST or sqlite:///FILE; left out, the workspace's folder mlflow."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Log a finished run's numbers to MLflow; nothing that names a person goes with them."""
    from core.export import to_mlflow

    folder = run_folder(Workspace(workspace), run_id)
    # Not sqlite, which mlflow-skinny cannot open: it comes without SQLAlchemy.
    uri = uri or (workspace.resolve() / "mlflow").as_uri()
    logged = to_mlflow(folder, uri)
    if as_json:
        print(json.dumps({"id": folder.id, "mlflow": logged, "uri": uri}))
        return
    out.print(f"Run {run_id} is logged at {uri} as {logged}.", highlight=False, soft_wrap=True)


def doctor(
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="A workspace to look at as well.")] = None,
    as_json: Json = False,
) -> None:
    """Look at this machine, and at a workspace: what is wrong, and how to mend it."""
    from core.doctor import examine

    findings = examine(Workspace(workspace) if workspace else None)
    if as_json:
        print(json.dumps(plain(findings)))
    for one in () if as_json else findings:
        sign, style = ("ok", "green") if one.ok else ("!!", "red")
        out.print(f"{sign} {one.name}: {one.said}", style=style, highlight=False, soft_wrap=True)
        if one.mend:
            out.print(f"   {one.mend}", highlight=False, soft_wrap=True)
    if not all(one.ok for one in findings):
        raise typer.Exit(1)


def for_runs(path: Path, person: str) -> Workspace:
    """A workspace in which this person may have runs. Raises ReviewError."""
    place = Workspace(path)
    require(place, person, Act.RUN)
    return place


def _told(folder: RunFolder, workspace: Path, detach: bool, as_json: bool) -> None:
    """Follow a run to its end, unless detached, and say how it stands."""
    if not detach:
        follow(folder, quiet=as_json)
    status = folder.status
    if as_json:
        print(json.dumps({"id": folder.id, **plain(status)}))
    elif status.state == "done" or detach:
        out.print(
            f"Run {folder.id}: {status.state}. Next: python -m core report --workspace {workspace} --run {folder.id}",
            highlight=False,
            soft_wrap=True,
        )
    if status.state in ("failed", "cancelled", "lost"):
        err.print(f"Run {folder.id} {status.state}: {status.message}", style="red", highlight=False)
        raise typer.Exit(1)
