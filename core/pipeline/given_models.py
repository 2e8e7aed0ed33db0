"""Base model and adapter that were made elsewhere: checked before a workspace is made, then taken into it."""

import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file

from core.data.prompts import template
from core.errors import ModelError
from core.models.base_parts import load_tokenizer
from core.models.external_adapter import check_given_adapter
from core.models.hub import resolve
from core.models.lora_recipe import recipe_of
from core.models.recommender import answer_tokens
from core.models.validation import check_folder
from core.types import Task
from core.utils.serialization import write_json
from core.workspace import Workspace, WorkspaceSettings
from core.workspace.run_layout import AdapterLayout


def check_given_models(settings: WorkspaceSettings, adapter: Path | None) -> tuple[str, ...]:
    """Check a base model and an adapter that `prepare` was given; both are optional.

    Args:
        settings: Settings of the workspace; base "base" means that a base model is trained there.
        adapter: Folder of the adapter.

    Returns:
        Names of weights in the adapter's file that only repeat the base model's.

    Raises:
        ModelError: One of them cannot be used, or an adapter comes without its base model.
    """
    if settings.base == "base":
        if adapter:
            raise ModelError(f"Adapter {adapter} comes without a base model: name the one it was trained on (--base).")
        return ()
    base = resolve(settings.base, settings.base_revision)
    check_folder(base)
    repeated = check_given_adapter(adapter, base) if adapter else ()
    tokenizer, words = load_tokenizer(base), template(settings.task)
    if settings.task is Task.CLICK:
        answer_tokens(tokenizer, (words.yes, words.no))
    return repeated


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
    """
    source, target = AdapterLayout(given), AdapterLayout(workspace.layout.adapter)
    workspace.layout.adapter.mkdir()
    shutil.copyfile(source.config, target.config)
    write_json(workspace.layout.recipe, recipe_of(source.config))
    if repeated:
        weights = {name: weight for name, weight in load_file(source.weights).items() if name not in repeated}
        save_file(weights, target.weights, metadata={"format": "pt"})
    else:
        shutil.copyfile(source.weights, target.weights)
