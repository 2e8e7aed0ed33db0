"""`python -m core estimate`, `run`, `resume`, `cancel`, `export` and `worker`: unlearning runs."""

import json
import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import err, follow_run, out
from core.cli.options import OFFLINE, Device, Json, Person, RequestId, RunId, WorkspacePath, workspace_for_runs
from core.integrations.mlflow import to_mlflow
from core.report.localization import can_make_texts
from core.report.rows_needed_text import rows_needed_text
from core.review.batches import check_free
from core.review.permissions import check_operators
from core.runs.cancel import cancel as cancel_run
from core.runs.handle import RunHandle, open_run
from core.types import RunState
from core.unlearning.methods import DEFAULT_METHOD, METHODS
from core.utils.commands import command_line
from core.utils.no_links import open_to_append
from core.utils.serialization import to_json
from core.workspace import Workspace
from core.workspace.layout import require_no_link

Detach = Annotated[bool, typer.Option("--detach", help="Return at once; the dashboard shows the run's progress.")]
Steps = Annotated[int, typer.Option(help="Largest number of unlearning steps; 0 is the method's default.", min=0)]
Method = Annotated[str, typer.Option(help=f"One of {', '.join(METHODS)}. docs/operating.md explains the choice.")]


def estimate(
    workspace: WorkspacePath,
    request_id: RequestId,
    method: Method = DEFAULT_METHOD,
    device: Device = "auto",
    steps: Steps = 0,
    as_json: Json = False,
) -> None:
    """Estimate a run's duration and memory on this machine; no run is started."""
    from core.runs.estimate.learned import estimate as estimate_run  # loads torch
    from core.runs.rows_needed import rows_needed  # loads scipy.stats, which takes longer than all other modules
    from core.verification.drift_budget import drift_of, drift_sentence  # so does this one

    opened = Workspace(workspace)
    found = estimate_run(opened, request_id, method, device, steps)
    power = rows_needed(opened, [opened.request(request_id)])
    closed = opened.closed()
    if as_json:
        drift = to_json(drift_of(closed))
        print(json.dumps({**to_json(found), "fits": found.fits, "verdict": to_json(power), "drift": drift}))
        return
    certainty = f"corrected by finished runs ({found.runs})" if found.runs else "within a factor of two"
    out.print(
        f"About {found.seconds:.0f} seconds on {found.device} ({found.dtype}), {certainty}. "
        f"It needs about {found.peak_bytes / 1e9:.1f} GB of memory; {found.free / 1e9:.1f} GB are free now.",
        highlight=False,
        soft_wrap=True,
    )
    if can_make_texts():
        out.print(rows_needed_text(power), highlight=False, soft_wrap=True)
        if sentence := drift_sentence(closed):
            out.print(sentence, highlight=False, soft_wrap=True)
    if not found.fits:
        err.print("It does not fit: choose another device, or spread the model over several GPUs.", style="red")
        raise typer.Exit(1)


def run(
    root: WorkspacePath,
    request_id: RequestId,
    method: Method = DEFAULT_METHOD,
    device: Device = "auto",
    seed: Annotated[int, typer.Option(help="Seed of every random choice.", min=0)] = 0,
    steps: Steps = 0,
    launcher: Annotated[str, typer.Option(help="local, slurm or ray. Default: the workspace's launcher.")] = "",
    person: Person = "",
    detach: Detach = False,
    as_json: Json = False,
) -> None:
    """Unlearn a request: start a worker and show its progress until the run ends."""
    from core.runs.submit import create_run, start  # loads torch

    workspace = workspace_for_runs(root, person)
    check_operators(workspace, request_id, person)
    check_free(workspace, request_id)
    run = create_run(workspace, request_id, method, device, seed, steps, launcher=launcher, launched_by=person)
    start(run)
    _follow_and_print(run, root, person, detach, as_json)


def resume(
    workspace: WorkspacePath, run_id: RunId, person: Person = "", detach: Detach = False, as_json: Json = False
) -> None:
    """Continue a failed or lost run from its last checkpoint."""
    from core.runs.submit import resume as resume_run  # loads torch

    run = open_run(workspace_for_runs(workspace, person), run_id)
    check_operators(run.workspace, run.spec.request, person)
    resume_run(run, person)
    _follow_and_print(run, workspace, person, detach, as_json)


def cancel(workspace: WorkspacePath, run_id: RunId, person: Person = "", as_json: Json = False) -> None:
    """Stop a run and destroy its unlearned adapter; the adapter in use does not change."""
    run = open_run(workspace_for_runs(workspace, person), run_id)
    cancel_run(run, person)
    run.watch_remote_worker()
    if run.status.state is RunState.LOST:  # nobody is there who could hear it
        run.request_cancel()
    if as_json:
        print(json.dumps({"id": run.id, **to_json(run.status)}))
        return
    state = "is asked to stop" if run.cancel_requested else "is stopped"
    out.print(f"Run {run_id} {state}.", highlight=False)


def export(
    workspace: WorkspacePath,
    run_id: RunId,
    uri: Annotated[
        str,
        typer.Option(help="file:FOLDER, http(s)://HOST or sqlite:///FILE. Default: the workspace's folder mlflow."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Log a finished run's numbers to MLflow; no personal data is logged."""
    run = open_run(Workspace(workspace), run_id)
    if not uri:  # a folder, because mlflow-skinny lacks SQLAlchemy and cannot open SQLite
        require_no_link(run.workspace.layout.mlflow, run.workspace.root)
        uri = run.workspace.layout.mlflow.as_uri()
    logged = to_mlflow(run, uri)
    if as_json:
        print(json.dumps({"id": run.id, "mlflow": logged, "uri": uri}))
        return
    out.print(f"Run {run_id} is logged at {uri} as {logged}.", highlight=False, soft_wrap=True)


def _follow_and_print(run: RunHandle, workspace: Path, person: str, detach: bool, as_json: bool) -> None:
    """Follow a run to its end, unless detached, and print its state. Exit code 1 if it did not finish."""
    if not detach:
        follow_run(run, as_json, person)
    status = run.status
    if as_json:
        print(json.dumps({"id": run.id, **to_json(status)}))
    elif status.state == "done" or detach:
        out.print(
            f"Run {run.id}: {status.state}. Next: "
            + command_line("report", "--workspace", str(workspace), "--run", run.id),
            highlight=False,
            soft_wrap=True,
        )
    if status.state in ("failed", "cancelled", "lost"):
        err.print(f"Run {run.id} {status.state}: {status.message}", style="red", highlight=False)
        raise typer.Exit(1)


def worker(
    folder: Annotated[Path, typer.Argument(help="A run folder.")],
    own_log: Annotated[bool, typer.Option("--log", help="Write all output to log.txt in that folder.")] = False,
) -> None:
    """Execute one run in this process; launchers call this command."""
    run = _run_at(folder)
    if own_log:
        _write_to_log(run)
    for name in OFFLINE:  # the libraries read these variables when they are imported
        os.environ.setdefault(name, "1")
    from core.runs.worker import work  # loads torch and transformers

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    raise typer.Exit(0 if work(run) == "done" else 1)


def _run_at(folder: Path) -> RunHandle:
    """The run of a folder. Its workspace may be reached through links; one in place of the run leads nowhere."""
    path = folder.absolute()
    return RunHandle(Workspace(path.parents[1]).layout.run(path.name).path)


def _write_to_log(run: RunHandle) -> None:
    """Let this process write its output to the run's log, as a cluster would keep it outside of the workspace."""
    require_no_link(run.path, run.workspace.root)
    with open_to_append(run.layout.log) as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
