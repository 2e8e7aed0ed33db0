"""Command lines of this program, as messages and pages show them."""

import shlex

PROGRAM = ("python", "-m", "core")


def command_line(*arguments: str) -> str:
    """Return the command line with these arguments, quoted for a shell.

    Args:
        *arguments: Subcommand, options and values, for example "verify", "--run", "run-1".

    Returns:
        The text to copy into a terminal, for example `python -m core verify --run run-1`.
    """
    return shlex.join((*PROGRAM, *arguments))
