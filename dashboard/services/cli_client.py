"""Calls of the command line in another process: ledger keys and GPU memory stay out of the dashboard's process."""

import json
import subprocess
from typing import Any

from core.errors import CureLensError
from core.utils.commands import PYTHON


class CommandError(CureLensError):
    """The error message of a command that failed."""


def run_command(*words: str, stdin: str = "") -> Any:
    """Run a command of this software and return the JSON object that it prints.

    Args:
        words: The command and its options.
        stdin: Text for its standard input. Other users of the machine can see the options, but not this text.

    Raises:
        CommandError: The command failed; the message is its own.
    """
    command = [*PYTHON, "-W", "ignore", "-m", "core", *words, "--json"]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode and not done.stdout.strip():
        raise CommandError(done.stderr.strip() or "The command failed without a message: try again.")
    return json.loads(done.stdout)
