"""The versions of this software and its libraries, and the machine, as a ledger entry of a run holds them."""

import hashlib
import os
import platform
import subprocess
from importlib.metadata import distributions
from typing import Any

from core import __version__
from core.utils.assets import checkout

LIBRARIES = ("torch", "transformers", "peft", "safetensors", "numpy")


def software() -> dict[str, Any]:
    """Versions of this software and its libraries. `lock` is a digest of all installed distributions."""
    installed = {one.metadata["Name"].lower(): one.version for one in distributions()}
    lock = "\n".join(f"{name}=={installed[name]}" for name in sorted(installed))
    return {
        "version": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "libraries": {name: installed.get(name) for name in LIBRARIES},
        "lock": hashlib.sha256(lock.encode()).hexdigest(),
    }


def hardware(device: str) -> dict[str, Any]:
    """The machine, and the device of the models."""
    return {"machine": platform.machine(), "processors": os.cpu_count(), "device": device}


def _commit() -> str | None:
    """The git commit of this software, marked "dirty" where files differ; None for an installed wheel."""
    root = checkout()
    if root is None:  # the folder of a wheel may lie inside another repository
        return None
    try:
        described = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40"], capture_output=True, text=True
        )
    except OSError:
        return None
    return described.stdout.strip() or None
