"""Command lines of this program and of its installation, as messages and pages show them."""

import shlex

PROGRAM = ("python", "-m", "core")
DISTRIBUTION = "cure-lens"


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
