"""Command lines of this program and of its installation, as messages and pages show them."""

import os
import shlex
import sys

from core.utils.assets import checkout

PROGRAM = ("python", "-m", "core")
DISTRIBUTION = "cure-lens"
# Of every process that this program starts. -P: the current folder may be a workspace, and a package there is not run.
PYTHON = (sys.executable, "-P")


def command_line(*arguments: str) -> str:
    """Return the command line with these arguments, quoted for a shell.

    Args:
        *arguments: Subcommand, options and values, for example "verify", "--run", "run-1".

    Returns:
        The text to copy into a terminal, for example `python -m core verify --run run-1`.
    """
    return shlex.join((*PROGRAM, *arguments))


def install_line(extra: str = "", *, upgrade: bool = False) -> str:
    """Return the command line that installs this package, quoted for a shell.

    Args:
        extra: Group of optional dependencies, for example "dashboard"; empty for the package alone.
        upgrade: Whether to replace an installed version.

    Returns:
        The text to copy into a terminal, for example `pip install 'cure-lens[dashboard]'`.
    """
    options = ("--upgrade",) if upgrade else ()
    return shlex.join(("pip", "install", *options, f"{DISTRIBUTION}[{extra}]" if extra else DISTRIBUTION))


def lead_processes_to_this_code() -> None:
    """Let the processes that this one starts run the code of this checkout, and none of the current folder."""
    os.environ["PYTHONSAFEPATH"] = "1"  # as -P, for those that a library starts
    paths = [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one]
    if (root := checkout()) and str(root) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *paths])
