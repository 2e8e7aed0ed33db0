"""Base model and adapter that were made elsewhere: checked before a workspace is made, then taken into it."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors.torch import load, save

from core.data.templates import Template
from core.errors import ModelError
from core.models.base_parts import load_tokenizer
from core.models.external_adapter import check_given_adapter
from core.models.finite_weights import check_finite_base
from core.models.gguf import convert_gguf, is_gguf
from core.models.hub import resolve
from core.models.known_bases import known_bases
from core.models.lora_recipe import recipe_of
from core.models.recommender import answer_tokens
from core.models.validation import check_folder
from core.utils.atomic_io import write_bytes
from core.utils.no_links import copy_file
from core.utils.serialization import write_json
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.run_layout import AdapterLayout


def given_base(settings: WorkspaceSettings, converted: Path) -> tuple[WorkspaceSettings, Path | None]:
    """The base model that `prepare` was given.

    Args:
        settings: Settings of the workspace; base "base" means that a base model is trained there.
        converted: Where a base model in GGUF is written as a folder, inside the workspace.

    Returns:
        The settings, which name the converted folder and the digest of the file where there is one; and the folder of
        the base model, None for one that is trained.

    Raises:
        RunError: The package for GGUF is not installed.
        ModelError: There is no such base model, or its file cannot be converted.
    """
    if settings.base == "base":
        return settings, None
    if known := known_bases().get(settings.base):  # the workspace keeps its name, so that it opens on other machines
        note = f"{known.title} ({known.weights}; {known.package} {known.version}, SHA-256 {known.sha256})"
        return replace(settings, base_note=note), resolve(settings.base, settings.base_revision)
    if not is_gguf(settings.base):
        return settings, resolve(settings.base, settings.base_revision)
    digest = convert_gguf(Path(settings.base), converted)
    note = f"{settings.base_note or settings.base} (GGUF, SHA-256 {digest})"
    return replace(settings, base="base", base_note=note), converted


@dataclass(frozen=True)
class GivenModels:
    """What is read of the models that `prepare` was given.

    Attributes:
        base: Folder of the base model.
        tokenizer: Its tokenizer.
        repeated: Names of weights in the adapter's file that only repeat the base model's.
    """

    base: Path
    tokenizer: Any
    repeated: tuple[str, ...]


def check_given_models(base: Path | None, words: Template, adapter: Path | None) -> GivenModels | None:
    """Check a base model and an adapter that `prepare` was given; both are optional.

    Args:
        base: Folder of the base model; None where one is trained.
        words: The template of the prompts, whose answers must be one token each.
        adapter: Folder of the adapter.

    Returns:
        What was read of them; None without a base model.

    Raises:
        ModelError: One of them cannot be used, or an adapter comes without its base model.
    """
    if not base:
        if adapter:
            raise ModelError(f"Adapter {adapter} comes without a base model: name the one it was trained on (--base).")
        return None
    check_folder(base)
    check_finite_base(base)
    repeated = check_given_adapter(adapter, base) if adapter else ()
    tokenizer = load_tokenizer(base)
    if words.yes:
        answer_tokens(tokenizer, (words.yes, words.no))
    return GivenModels(base, tokenizer, repeated)


def rank_of(adapter: Path) -> int:
    """The rank of a checked adapter."""
    rank: int = recipe_of(AdapterLayout(adapter).config)["r"]
    return rank


def take_adapter(workspace: Workspace, given: Path, repeated: tuple[str, ...]) -> None:
    """Copy a checked adapter into the workspace, and its recipe for the references.

    Args:
        workspace: The workspace.
        given: Folder of the adapter; only its configuration and its weights are copied.
        repeated: Names of weights to leave out.

    Raises:
        OSError: A file was replaced by a link meanwhile, or the disk refuses.
    """
    source, target = AdapterLayout(given.resolve()), AdapterLayout(workspace.layout.adapter)
    workspace.layout.adapter.mkdir()
    for file in (source.config, source.weights):
        copy_file(file, target.path / file.name)
    write_json(workspace.layout.recipe, recipe_of(target.config))
    if repeated:
        weights = load(target.weights.read_bytes())
        kept = {name: weight for name, weight in weights.items() if name not in repeated}
        write_bytes(target.weights, save(kept, metadata={"format": "pt"}))
