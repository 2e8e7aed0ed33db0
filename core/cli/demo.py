"""Commands `demo`, `dashboard` and `build-demo`: open the dashboard, and rebuild the embedded demo world."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import err, out, progress, step_bars
from core.cli.options import OFFLINE, WorkspacePath
from core.errors import RunError
from core.utils.assets import PACKAGE, asset
from core.utils.commands import install_line
from core.workspace import Workspace

APP = PACKAGE.parent / "dashboard/app.py"  # both packages are installed side by side


def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
    folder: Annotated[Path, typer.Option(help="Where the demo's working copy goes.")] = Path(".demo"),
) -> None:
    """Open the dashboard on a copy of the embedded demo world. Its keys go to the user's configuration folder."""
    from core.ledger.keys import demo_keys, keep_keys  # loads the signing libraries

    if not folder.exists():
        shutil.copytree(asset("demo"), folder)
    keep_keys(demo_keys())  # decisions in the demo are signed with its own keys
    _dashboard(folder, port)


def dashboard(
    workspace: WorkspacePath,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the dashboard on a workspace."""
    _dashboard(Workspace(workspace).root, port)


def build_demo(
    target: Annotated[Path, typer.Option(help="Where to write the demo world.")] = Path("assets/demo"),
    check: Annotated[
        bool, typer.Option("--check", help="Build into a temporary folder and compare digests; replace nothing.")
    ] = False,
) -> None:
    """Rebuild every file of the demo world from its generator; an interrupted build goes on where it was."""
    from core.demo.build import build  # loads torch
    from core.demo.worlds import CINEMA  # loads torch

    with progress() as bars:
        differing = build(CINEMA, target, step_bars(bars), check)
    if differing:
        err.print(f"{len(differing)} files differ from the manifest: {', '.join(differing)}", style="red")
        raise typer.Exit(1)
    out.print(f"Every file of the demo world at {target} matches the manifest.")


def _dashboard(workspace: Path, port: int) -> None:
    """Serve the dashboard until it is stopped. Raises RunError where Streamlit is not installed."""
    if find_spec("streamlit") is None:
        raise RunError(f"Streamlit is not installed: {install_line('dashboard')}.")
    command = [sys.executable, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    environment = dict.fromkeys(OFFLINE, "1") | os.environ | {"CURE_LENS_WORKSPACE": str(workspace.resolve())}
    raise typer.Exit(subprocess.call(command, env=environment))
