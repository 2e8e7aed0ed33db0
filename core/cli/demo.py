"""python -m core demo, dashboard and build-demo: the dashboard, and the embedded demo world."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import err, out, progress, stepper
from core.cli.options import OFFLINE, WorkspacePath


def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
    folder: Annotated[Path, typer.Option(help="Where the demo's working copy goes.")] = Path(".demo"),
) -> None:
    """Open the dashboard on the embedded demo world; works offline, changes nothing that is shipped."""
    from core.ledger.keys import demo_keys, keep_keys

    shipped = Path(__file__).parents[2] / "assets/demo"
    if not folder.exists():
        shutil.copytree(shipped, folder)
    keep_keys(demo_keys())  # or nobody could decide anything there
    _dashboard(folder, port)


def dashboard(
    workspace: WorkspacePath,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the dashboard on a workspace of yours."""
    from core.workspace import Workspace

    _dashboard(Workspace(workspace).root, port)


def build_demo(
    target: Annotated[Path, typer.Option(help="Where to write the demo world.")] = Path("assets/demo"),
    check: Annotated[
        bool, typer.Option("--check", help="Build beside it and compare digests instead of replacing it.")
    ] = False,
) -> None:
    """Rebuild every shipped byte of the demo world from its generator."""
    from core.demo.build import build

    with progress() as bars:
        differing = build(target, stepper(bars), check)
    if differing:
        err.print(f"{len(differing)} files differ from the manifest: {', '.join(differing)}", style="red")
        raise typer.Exit(1)
    out.print(f"The demo world at {target} is whole.")


def _dashboard(workspace: Path, port: int) -> None:
    app_file = Path(__file__).parents[2] / "dashboard/app.py"
    command = [sys.executable, "-m", "streamlit", "run", str(app_file), "--server.port", str(port)]
    environment = dict.fromkeys(OFFLINE, "1") | os.environ | {"CURE_LENS_WORKSPACE": str(workspace.resolve())}
    raise typer.Exit(subprocess.call(command, env=environment))
