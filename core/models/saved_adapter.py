"""Saving of a model's adapter: the first one, an unlearned one or a reference.

PEFT writes into a folder that nobody else can write, and its files are compared with the adapter in memory. Then their
bytes are read, hashed and written, so that the digests are those of this adapter, whatever somebody puts in its place.
"""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, PeftConfig, PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file

from core.errors import WorkspaceError
from core.models.recommender import ADAPTER
from core.utils.atomic_io import disk_error, move, remove_folder, staging, write_bytes
from core.utils.serialization import read_json, write_json
from core.workspace.run_layout import AdapterLayout

# Keys of an adapter's configuration that say where it comes from, which differ between memory and disk.
ORIGIN = ("auto_mapping", "base_model_name_or_path", "inference_mode", "peft_version", "revision", "runtime_config")


def save_adapter(model: PeftModel, folder: Path, dtype: str = "float32") -> dict[str, str]:
    """Write the adapter to a folder: safetensors and configuration, never half of it; a kill may leave none.

    Args:
        model: Model with the adapter.
        folder: Where it goes; an existing one is replaced.
        dtype: Name of the data type of the stored weights, "float32" or "bfloat16".

    Returns:
        SHA-256 of what was written, by "weights" and "config".

    Raises:
        WorkspaceError: The disk refuses, or the files do not hold the adapter in memory.
    """
    part = staging(folder)
    try:
        remove_folder(part)
        digests = _write_adapter(model, part, getattr(torch, dtype))
        remove_folder(folder)
        move(part, folder)
        return digests
    except SafetensorError as error:  # safetensors wraps the system's errors
        raise WorkspaceError(f"{folder} cannot be written ({error}): check the disk and its free space.") from error
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        with suppress(WorkspaceError):
            remove_folder(part)


def _write_adapter(model: PeftModel, folder: Path, dtype: torch.dtype) -> dict[str, str]:
    """Write the adapter's two files, and return the digests of their bytes."""
    with TemporaryDirectory(prefix="cure-lens-") as place:
        made, own = AdapterLayout(Path(place).resolve()), AdapterLayout(folder)
        _write_as_peft(model, made.path, dtype)
        contents = {"weights": made.weights.read_bytes(), "config": made.config.read_bytes()}
    for file, content in ((own.weights, contents["weights"]), (own.config, contents["config"])):
        write_bytes(file, content)
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _write_as_peft(model: PeftModel, folder: Path, dtype: torch.dtype) -> None:
    """Write what PEFT writes, with its keys in one order."""
    own = get_peft_model_state_dict(model, adapter_name=ADAPTER, save_embedding_layers=False)  # "auto" asks the hub
    weights = {name: value.to(dtype) for name, value in own.items()}
    model.save_pretrained(str(folder), state_dict=weights, selected_adapters=[ADAPTER], save_embedding_layers=False)
    _check_saved(model, weights, folder)
    path = AdapterLayout(folder).config
    config = read_json(path)
    if isinstance(config["target_modules"], list):  # PEFT keeps a set, without a stable order
        write_json(path, config | {"target_modules": sorted(config["target_modules"])})


def _check_saved(model: PeftModel, weights: Mapping[str, torch.Tensor], folder: Path) -> None:
    """Load a saved adapter again, and require the weights and the configuration of the one in memory."""
    stored = load_file(AdapterLayout(folder).weights)
    different = {name for name in {*weights, *stored} if not _equal(weights.get(name), stored.get(name))}
    own, saved = (_function(config) for config in (model.peft_config[ADAPTER], LoraConfig.from_pretrained(str(folder))))
    different |= {key for key in own if own[key] != saved[key]}
    if different:
        raise WorkspaceError(
            f"The adapter saved in {folder} is not the one in memory, for example in {min(different)}: "
            "check the disk, and run again."
        )


def _equal(left: torch.Tensor | None, right: torch.Tensor | None) -> bool:
    return left is not None and right is not None and torch.equal(left.cpu(), right)


def _function(config: PeftConfig) -> dict[str, Any]:
    """What a configuration says about the function that the weights compute."""
    return {key: value for key, value in asdict(config).items() if key not in ORIGIN}
