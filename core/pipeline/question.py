"""Digest of what models are asked for a request: rows, settings, texts and tokens. It loads no model library."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from core.data.paraphrases import FILE as PARAPHRASES
from core.models.hub import fingerprint, resolve
from core.types import Request
from core.utils.hashing import sha256_of_file
from core.utils.serialization import sorted_json
from core.workspace import Workspace

VERSION = 1  # raise it with every change of the code that changes a model's answers
NO_MATTER = ("name", "data", "base", "base_note", "adapter", "launcher", "clusters", "people", "forgotten_share")
# Files of a base model that decide its tokens.
TOKENIZER = ("tokenizer*", "*.model", "vocab*", "merges.txt", "added_tokens.json", "special_tokens_map.json")


def question_digest(
    workspace: Workspace,
    request: Request,
    precision: tuple[str, str] = ("", ""),
    digest: Callable[[Path], str] = sha256_of_file,
) -> str:
    """SHA-256 of the request, data, settings, texts, base model with its tokenizer, kind of device and dtype.

    Args:
        workspace: The workspace.
        request: The request.
        precision: Kind of the device, and dtype of the weights. All GPUs are of one kind.
        digest: Gives the SHA-256 of a file, such as of its sealed copy.
    """
    layout, settings = workspace.layout, asdict(workspace.settings)
    base = resolve(workspace.base, workspace.settings.base_revision)
    files = map(digest, (layout.items, layout.interactions, layout.user_split, workspace.templates, PARAPHRASES))
    recipe = [] if workspace.recipe is None else [hashlib.sha256(workspace.recipe).hexdigest()]  # of the references
    about = {
        "version": VERSION,
        "base": fingerprint(base),
        "request": [request.users, request.interactions],
        "settings": {name: value for name, value in settings.items() if name not in NO_MATTER},
        "files": [*files, *recipe, *map(digest, tokenizer_files(base))],
        "precision": precision,
    }
    return hashlib.sha256(sorted_json(about).encode()).hexdigest()


def tokenizer_files(base: Path) -> list[Path]:
    """The files of a base model's folder that decide its tokens."""
    return sorted({file for pattern in TOKENIZER for file in base.glob(pattern)})
