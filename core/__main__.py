"""The command line: python -m core."""

import json
import logging
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.arguments import Device, Json, Person, RequestId, RunId, WorkspacePath, pairs_of, parts_of
from core.bench_command import bench
from core.console import err, out, progress, report_table, stepper
from core.errors import CureLensError
from core.files import plain, read_json
from core.ledger_command import app as ledger
from core.prepare_command import prepare
from core.review_command import app as review
from core.review_command import verify_destruction
from core.runs_command import cancel, doctor, estimate, export, for_runs, resume, run, verify
from core.threads import leave_a_core_free
from core.types import Ground, Identity

app = typer.Typer(
    name="core",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Take one person's data out of an LLM recommender, and see that it is gone. Start with `prepare`, or `demo`.",
)
app.add_typer(ledger, name="ledger")
app.add_typer(review, name="review")
app.command()(prepare)
app.command()(bench)
for command in (estimate, run, resume, cancel, verify, export, doctor, verify_destruction):
    app.command()(command)


@app.command()
def request(
    workspace: WorkspacePath,
    users: Annotated[str, typer.Option(help="User ids, parted by commas: all their data is to go.")] = "",
    interactions: Annotated[str, typer.Option(help="Chosen interactions as USER:ITEM, parted by commas.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in a few words; destroyed with the request.")] = "",
    ground: Annotated[Ground, typer.Option(help="Why, as it stays in the record.")] = Ground.NOT_RECORDED,
    identity: Annotated[
        Identity, typer.Option(help="How you made sure who asks; stays in the record.")
    ] = Identity.NOT_RECORDED,
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Open a deletion request and check that it can be served."""
    from core.review.rights import require
    from core.types import Act
    from core.workspace import Workspace

    place = Workspace(workspace)
    require(place, person, Act.OPEN)
    opened = place.open_request(parts_of(users), pairs_of(interactions), reason, person, ground, identity)
    if as_json:
        print(json.dumps(plain(opened)))
        return
    out.print(f"Request {opened.id} is open for {', '.join(opened.subjects)}.", highlight=False)
    out.print(
        f"Next: python -m core reference --workspace {workspace} --request {opened.id} --seeds 3",
        highlight=False,
        soft_wrap=True,  # a command is copied as one line
    )


@app.command()
def reference(
    workspace: WorkspacePath,
    request_id: RequestId,
    seeds: Annotated[int, typer.Option(help="How many references; 3 or more show their own spread.", min=1)] = 3,
    device: Device = "auto",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Retrain the adapter without the request's data: the yardstick of every run."""
    from core.runs.references import train_references

    place = for_runs(workspace, person)
    with progress(quiet=as_json) as bars:
        report = stepper(bars)
        folders = train_references(
            place,
            request_id,
            seeds,
            device,
            lambda n, step: report(f"reference {n + 1} of {seeds}", step),
        )
    if as_json:
        print(json.dumps({"request": request_id, "references": [folder.name for folder in folders]}))
        return
    out.print(f"{len(folders)} references are ready.")
    out.print(
        f"Next: python -m core run --workspace {workspace} --request {request_id} --method cure",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def report(
    workspace: WorkspacePath,
    run_id: RunId,
    as_json: Json = False,
) -> None:
    """Print what a finished run did, and where its full report is."""
    from core.errors import RunError
    from core.runs.folder import run_folder
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


@app.command()
def overlap(
    workspace: WorkspacePath,
    run_id: Annotated[str, typer.Option("--run", help="A finished run's id.")],
    device: Device = "auto",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Compare every kept person's list before and after a run: whom else did it touch?"""
    from core.runs.folder import run_folder
    from core.runs.overlaps import write_overlaps

    found = write_overlaps(run_folder(for_runs(workspace, person), run_id), device)
    if as_json:
        print(json.dumps(plain(found)))
        return
    same = sum(one.after == 1 for one in found)
    mean = sum(one.after for one in found) / max(1, len(found))
    out.print(f"Of {len(found)} kept people, {same} keep all titles of their top 10; on average {mean:.0%} stay.")


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
    folder: Annotated[Path, typer.Option(help="Where the demo's working copy goes.")] = Path(".demo"),
) -> None:
    """Open the dashboard on the embedded demo world; works offline, changes nothing that is shipped."""
    from core.records.keys import demo_keys, keep_keys

    shipped = Path(__file__).parent.parent / "assets/demo"
    if not folder.exists():
        shutil.copytree(shipped, folder)
    keep_keys(demo_keys())  # or nobody could decide anything there
    _dashboard(folder, port)


@app.command()
def dashboard(
    workspace: WorkspacePath,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the dashboard on a workspace of yours."""
    from core.workspace import Workspace

    _dashboard(Workspace(workspace).root, port)


@app.command("build-demo")
def build_demo(
    target: Annotated[Path, typer.Option(help="Where to write the demo world.")] = Path("assets/demo"),
    check: Annotated[
        bool, typer.Option("--check", help="Build beside it and compare digests instead of replacing it.")
    ] = False,
) -> None:
    """Rebuild every shipped byte of the demo world from its generator."""
    from core.runs.demo import build

    with progress() as bars:
        differing = build(target, stepper(bars), check)
    if differing:
        err.print(f"{len(differing)} files differ from the manifest: {', '.join(differing)}", style="red")
        raise typer.Exit(1)
    out.print(f"The demo world at {target} is whole.")


# Nothing that a worker needs is fetched: `prepare` has done that. What is set already stays, for who wants it otherwise.
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_IMPLICIT_TOKEN")


@app.command()
def worker(folder: Annotated[Path, typer.Argument(help="A run folder.")]) -> None:
    """Execute one run in this process; launchers call this, people need not."""
    for name in OFFLINE:  # before the libraries are imported, which is when they look
        os.environ.setdefault(name, "1")
    from core.runs.folder import RunFolder
    from core.runs.worker import work

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    raise typer.Exit(0 if work(RunFolder(folder)) == "done" else 1)


def _dashboard(workspace: Path, port: int) -> None:
    app_file = Path(__file__).parent.parent / "dashboard/app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app_file), "--server.port", str(port)]
    environment = dict.fromkeys(OFFLINE, "1") | os.environ | {"CURE_LENS_WORKSPACE": str(workspace.resolve())}
    raise typer.Exit(subprocess.call(command, env=environment))


def main() -> None:
    """Run a command; an error meant for people is one sentence and exit code 2."""
    leave_a_core_free()
    try:
        app()
    except CureLensError as error:
        err.print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
