"""Digest of what a reference learns from, so that one trained on other rows, words or settings is told apart."""

import hashlib
import json

from core.models.hub import fingerprint, resolve
from core.pipeline.context import RequestContext, adapter_recipe
from core.pipeline.question import tokenizer_files
from core.utils.hashing import sha256_of_file
from core.utils.serialization import sorted_json
from core.workspace import Workspace


def training_inputs(context: RequestContext) -> str:
    """SHA-256 of the retain set's rows with their titles, the training's settings, the words and the base model."""
    workspace = context.workspace
    base = resolve(workspace.base, workspace.settings.base_revision)
    about = {
        "rows": _rows(context),
        "settings": context.finetune_settings,
        "recipe": _recipe(workspace),
        "base": fingerprint(base),
        "files": [sha256_of_file(file) for file in (workspace.templates, *tokenizer_files(base))],
    }
    return hashlib.sha256(sorted_json(about).encode()).hexdigest()


def _rows(context: RequestContext) -> str:
    """SHA-256 of the training rows, by prompt."""
    digest, items = hashlib.sha256(), context.workspace.items
    for prompt in context.split.retain:
        for one in prompt.targets:
            row = (prompt.user, one.item, items[one.item].title, one.time, one.rating, one.liked)
            digest.update(json.dumps(row).encode() + b"\n")
        digest.update(b"\n")
    return digest.hexdigest()


def _recipe(workspace: Workspace) -> list[str]:
    """The configuration of a new adapter as text; sets are sorted."""
    found = adapter_recipe(workspace).to_dict()  # type: ignore[no-untyped-call]
    return [f"{name}={sorted(value) if isinstance(value, set) else value}" for name, value in sorted(found.items())]
