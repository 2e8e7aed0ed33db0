"""What pages ask of another process: the keys of the ledger and the memory of a card stay out of this one."""

import json
import subprocess
import sys
from typing import Any

from core.errors import CureLensError


class AskedError(CureLensError):
    """The sentence of a command that could not do what it was asked."""


def asked(*words: str, said: str = "") -> Any:
    """What a command of this software prints as one JSON object. said: what it reads, unlike its words nobody else's to see.

    Raises AskedError with its own sentence.
    """
    command = [sys.executable, "-W", "ignore", "-m", "core", *words, "--json"]
    done = subprocess.run(command, input=said, capture_output=True, text=True, check=False)
    if done.returncode and not done.stdout.strip():
        raise AskedError(done.stderr.strip() or "The command failed without a word: try again.")
    return json.loads(done.stdout)
