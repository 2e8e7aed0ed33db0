"""The base model as files: where they lie, and what pins them. Nothing of it is loaded."""

import hashlib
import os
import re
from contextlib import suppress
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from core.errors import ModelError

FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
COMMIT = re.compile("[0-9a-f]{40}")


def resolve(base: str, revision: str | None = None) -> Path:
    """The local folder of a model: itself, or a hub snapshot of safetensors at a pinned revision, where it may be fetched.

    What a workspace names is no word on whether it may: that stands in CURE_LENS_MODELS, hub ids with commas between. Raises
    ModelError.
    """
    if Path(base).is_dir():
        return Path(base)
    if not COMMIT.fullmatch(revision or ""):  # a branch or tag may be another model tomorrow
        raise ModelError(
            f"Base model {base!r} is no folder here: name a folder, or a hub id with the commit it stands at (ID@COMMIT, 40 hex digits)."
        )
    with suppress(LocalEntryNotFoundError):  # what is here already need not be fetched
        return Path(snapshot_download(base, revision=revision, allow_patterns=FILES, local_files_only=True))
    allowed = [one.strip() for one in os.environ.get("CURE_LENS_MODELS", "").split(",")]
    if base not in allowed:
        raise ModelError(f"Base model {base!r} is not among those that may be fetched: add its id to CURE_LENS_MODELS.")
    try:
        return Path(snapshot_download(base, revision=revision, allow_patterns=FILES))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"Base model {base!r} at {revision!r} cannot be fetched ({type(error).__name__}): check the id or download it to a folder."
        ) from error


def fingerprint(base: Path) -> str:
    """What pins a base: a digest over the digests of its config and weight files."""
    digest = hashlib.sha256()
    for path in sorted([base / "config.json", *base.glob("*.safetensors")]):
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return f"sha256:{digest.hexdigest()}"
