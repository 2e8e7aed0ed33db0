"""Commands `demo`, `dashboard` and `build-demo`: open the dashboard, and rebuild the embedded demo worlds."""

import os
import shutil
import subprocess
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import err, out, progress, step_bars
from core.cli.options import OFFLINE, WorkspacePath
from core.errors import RunError
from core.models.known_bases import absent_base
from core.utils.assets import PACKAGE, asset
from core.utils.atomic_io import staging
from core.utils.commands import PYTHON, command_line, install_line
from core.workspace import Workspace

APP = PACKAGE.parent / "dashboard/server.py"  # both packages are installed side by side


class DemoName(StrEnum):
    """Names of the demo worlds."""

    CINEMA = "cinema"
    SMOLLM2 = "smollm2"

    @property
    def folder(self) -> Path:
        """Where it ships."""
        return asset("demo" if self is DemoName.CINEMA else "demo-smollm2")


World = Annotated[
    DemoName,
    typer.Option(help="cinema: a small model that was trained from nothing. smollm2: SmolLM2-135M, a pretrained LLM."),
]


def demo(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
    folder: Annotated[
        Path | None, typer.Option(help="Where the demo's working copy goes.", show_default=".demo or .demo-smollm2")
    ] = None,
    world: World = DemoName.CINEMA,
) -> None:
    """Open the dashboard on a copy of an embedded demo world. Its keys go to the user's configuration folder."""
    from core.ledger.keys import demo_keys, keep_keys  # loads the signing libraries

    folder = folder or Path(f".{world.folder.name}")
    if not world.folder.is_dir():
        again = command_line("build-demo", "--world", world)
        raise RunError(f"Demo world {world} is not shipped here: build it with {again} (hours on one core).")
    if not folder.exists():
        _copy(world.folder, folder)
    if Workspace(folder).settings.name != Workspace(world.folder).settings.name:
        raise RunError(f"{folder} is not a copy of demo world {world}: choose another --folder.")
    keep_keys(demo_keys())  # decisions in the demo are signed with its own keys
    if world is DemoName.SMOLLM2 and (base := absent_base("smollm2-135m")):
        size = f"{base.size / 1e6:.0f} MB"
        out.print(f"The pages show finished runs. For new ones, fetch {base.title} ({size}): {base.fetch}")
    _dashboard(folder, port)


def _copy(world: Path, folder: Path) -> None:
    """Copy a demo world whole or not at all, readable by its owner only."""
    part = staging(folder)
    shutil.rmtree(part, ignore_errors=True)  # an earlier copy was interrupted
    shutil.copytree(world, part)
    part.chmod(0o700)
    part.rename(folder)


def dashboard(
    workspace: WorkspacePath,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8501,
) -> None:
    """Open the dashboard on a workspace, for whoever has the address that is printed, or for people with a login."""
    _dashboard(Workspace(workspace).root, port, CURE_LENS_START_TOKEN="1", STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE="true")


def build_demo(
    target: Annotated[
        Path | None, typer.Option(help="Where to write the demo world.", show_default="where it ships")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Build into a temporary folder and compare digests; replace nothing.")
    ] = False,
    world: World = DemoName.CINEMA,
) -> None:
    """Rebuild every file of a demo world from its generator; an interrupted build goes on where it was."""
    from core.demo.build import build  # loads torch
    from core.demo.worlds import WORLDS  # loads torch

    target = target or world.folder
    with progress() as bars:
        differing = build(WORLDS[world], target, step_bars(bars), check)
    if differing:
        err.print(f"{len(differing)} files differ from the manifest: {', '.join(differing)}", style="red")
        raise typer.Exit(1)
    out.print(f"Every file of the demo world at {target} matches the manifest.")


def _dashboard(workspace: Path, port: int, **more: str) -> None:
    """Serve the dashboard until it is stopped. Raises RunError where Streamlit is not installed."""
    if find_spec("streamlit") is None:
        raise RunError(f"Streamlit is not installed: {install_line('dashboard')}.")
    command = [*PYTHON, "-m", "streamlit", "run", str(APP), "--server.port", str(port)]
    own = {"CURE_LENS_WORKSPACE": str(workspace.resolve())}
    environment = {**dict.fromkeys(OFFLINE, "1"), **os.environ, **own, **more}
    raise typer.Exit(subprocess.call(command, env=environment))
