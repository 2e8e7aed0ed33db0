"""Base models as files: their folder, download from the Hugging Face hub, and fingerprint. No model is loaded here."""

import hashlib
import os
import re
from pathlib import Path

from core.errors import ModelError
from core.models.known_bases import known_bases
from core.utils.hashing import sha256_of_file

FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]
COMMIT = re.compile("[0-9a-f]{40}")


def resolve(base: str, revision: str | None = None) -> Path:
    """Local folder of a base model.

    A model is downloaded only if the environment variable CURE_LENS_MODELS lists its id; a workspace cannot allow that
    by itself.

    Args:
        base: The name of a known base, a folder, or a hub id.
        revision: Commit of the hub model, 40 hex digits.

    Returns:
        The folder itself, the one that `base fetch` made, or the hub cache's snapshot of the revision: safetensors,
        configuration and tokenizer.

    Raises:
        ModelError: The known base was not fetched or comes with a commit; or there is no such folder and the model is
            no hub id with a commit, may not be downloaded, or cannot be; or the folder holds a FIFO or the like.
    """
    folder = _folder(base, revision)
    if odd := next((one for one in folder.rglob("*") if one.exists() and not (one.is_file() or one.is_dir())), None):
        raise ModelError(f"{odd} is no file, and reading it could last for ever: remove it.")
    return folder


def _folder(base: str, revision: str | None) -> Path:
    """What `resolve` returns. Raises ModelError."""
    if known := known_bases().get(base):
        if revision:
            raise ModelError(f"Base {base!r} takes no commit, because it is pinned by a digest: leave out @{revision}.")
        if not known.is_here:
            raise ModelError(f"Base {base!r} is not on this machine: run {known.fetch}.")
        return known.folder
    if Path(base).is_dir():
        return Path(base)
    if not COMMIT.fullmatch(revision or ""):  # a branch or tag can point to another model later
        raise _unknown(base)
    return _snapshot(base, revision)


def _snapshot(base: str, revision: str | None) -> Path:
    """The folder of a hub model at a commit, from the hub's cache or downloaded. Raises ModelError."""
    from huggingface_hub import snapshot_download  # reads at its import whether this process is offline
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError  # as above

    try:  # a cached snapshot needs no download
        return Path(snapshot_download(base, revision=revision, allow_patterns=FILES, local_files_only=True))
    except HFValidationError:
        raise _unknown(base) from None
    except LocalEntryNotFoundError:
        pass
    allowed = [model.strip() for model in os.environ.get("CURE_LENS_MODELS", "").split(",")]
    if base not in allowed:
        raise ModelError(f"Base model {base!r} is not among those that may be fetched: add its id to CURE_LENS_MODELS.")
    try:
        return Path(snapshot_download(base, revision=revision, allow_patterns=FILES))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"Base model {base!r} at {revision!r} cannot be fetched ({type(error).__name__}): "
            "check the id, or download the model to a folder."
        ) from error


def _unknown(base: str) -> ModelError:
    return ModelError(
        f"Base model {base!r} is no folder, no GGUF file and no known base ({', '.join(known_bases())}): "
        "name one, or a hub id with a commit of 40 hex digits (ID@COMMIT)."
    )


def fingerprint(base: Path) -> str:
    """Identity of a base model: SHA-256 over the SHA-256 digests of its configuration and weight files.

    Raises:
        WorkspaceError: One of them cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted([base / "config.json", *base.glob("*.safetensors")]):
        digest.update(bytes.fromhex(sha256_of_file(path)))
    return f"sha256:{digest.hexdigest()}"
