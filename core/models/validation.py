"""What a model folder must not hold, looked at before anything of it is loaded.

A base's config may hold keys that nobody knows: hubs are full of them, and they are only kept. What is refused are the keys
that name code to run or files to load. An adapter's config is PEFT's alone, so there any unknown key is refused.
"""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers import AutoConfig

from core.errors import ModelError
from core.models.families import FAMILIES
from core.models.hub import fingerprint

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
CONFIGS = ("config.json", "generation_config.json", "tokenizer_config.json")
CODE = (
    "auto_map",
    "custom_pipelines",
    "custom_generate",
    "transformers_weights",
)  # the last names another file of weights
BUILT_IN = ("eager", "sdpa", None)  # everything else may be fetched as a kernel from the hub, "org/kernel"
LARGER = ("use_dora", "auto_mapping", "megatron_config", "arrow_config", "layer_replication", "modules_to_save")


def check_folder(folder: Path) -> None:
    """Refuse pickles, remote code and unknown families before anything is loaded. Raises ModelError."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"Base model {folder} has no config.json: name a Hugging Face model folder.")
    _check_weights(folder)
    for name in CONFIGS:
        if (folder / name).is_file() and (bad := next(_code(_read(folder / name)), None)):
            raise ModelError(
                f"Base model {folder} wants to run other code or load other files ({name}: {bad}): "
                "take the key out, or choose a model of a supported family."
            )
    config = _read(folder / "config.json")
    if config.get("quantization_config"):
        raise ModelError(f"Base model {folder} is quantised: load the unquantised model.")
    if AutoConfig.from_pretrained(folder, trust_remote_code=False).model_type not in FAMILIES:
        raise ModelError(
            f"Base model {folder} is of type {config.get('model_type')!r}: use one of {', '.join(FAMILIES)}."
        )


def _check_weights(folder: Path) -> None:
    """Only safetensors, only of this folder, and no adapter beside them, which transformers would put on unasked."""
    if not any(folder.glob("*.safetensors")):
        pickled = next((p.name for p in folder.iterdir() if p.suffix in PICKLES), None)
        found = f"holds the pickle {pickled}" if pickled else "holds no weights"
        raise ModelError(f"Base model {folder} {found}: only safetensors are loaded, so convert it first.")
    if (folder / "adapter_config.json").is_file():
        raise ModelError(f"Base model {folder} holds an adapter_config.json: keep adapters in folders of their own.")
    for index in folder.glob("*.index.json"):
        named = _read(index).get("weight_map", {}).values()
        if bad := next((name for name in named if Path(name).name != name or not name.endswith(".safetensors")), None):
            raise ModelError(
                f"Base model {folder} names {bad!r} in {index.name}: list safetensors of this folder only."
            )


def _code(value: Any, key: str = "") -> Iterator[str]:
    """What names code in a config, at any depth."""
    if key in CODE:
        yield key
    elif key.endswith("_implementation") and not set(value.values() if isinstance(value, dict) else [value]) <= {
        *BUILT_IN
    }:
        yield f"{key} = {value!r}"
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _code(inner, name)


def check_adapter(adapter: Path, base: Path) -> None:
    """Refuse an adapter that is pickled, no plain LoRA, or made for another base. Raises ModelError."""
    if not (adapter / "adapter_model.safetensors").is_file():
        raise ModelError(
            f"Adapter {adapter} has no adapter_model.safetensors: only safetensors are loaded, so save it again with PEFT."
        )
    config = _read(adapter / "adapter_config.json")
    if unknown := sorted(set(config) - {field.name for field in fields(LoraConfig)}):
        raise ModelError(
            f"Adapter {adapter} has the unknown key {unknown[0]!r} in adapter_config.json: take it out, or save the adapter "
            "with the version of PEFT that is installed here."
        )
    more = [key for key in LARGER if config.get(key)]
    if more or config.get("peft_type") != "LORA":
        found = ", ".join(more) or config.get("peft_type")
        raise ModelError(f"Adapter {adapter} is not a plain LoRA adapter ({found}): train one with PEFT's LoraConfig.")
    made_for = config.get("revision") or ""
    if made_for.startswith("sha256:") and made_for != fingerprint(base):
        raise ModelError(
            f"Adapter {adapter} was made for another base model than {base}: name the base it was trained on."
        )


def _read(path: Path) -> dict[str, Any]:
    """A JSON object of a model folder."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON ({type(error).__name__}): restore the file.") from None
    if not isinstance(found, dict):
        raise ModelError(f"{path} is no JSON object: restore the file.")
    return found
