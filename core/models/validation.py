"""Safety checks of base-model and adapter folders, made before any file is loaded.

Refused in a base model: pickled weights, and configuration keys that name code to run or other files to load. Other
unknown keys are common on the hub and harmless, because nothing reads them. So is `auto_map`: it names code for types
that transformers does not know, which are refused. Refused in an adapter: every configuration key with a value that
PEFT's LoraConfig does not have, and every option beyond plain LoRA.
"""

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from core.errors import ModelError
from core.models.base_fit import INDEX, check_base_fit, check_type
from core.models.base_parts import PORTABLE
from core.models.families import FAMILIES
from core.models.hub import fingerprint
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS, AdapterLayout

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
CONFIGS = ("config.json", "generation_config.json", "tokenizer_config.json")
# Keys that name code to run, or (the last) another weight file.
CODE = ("auto_map", "custom_pipelines", "custom_generate", "transformers_weights")
HARMLESS = ("auto_map", "cache_implementation")  # at the top: read only with remote code, and only to generate text
# Other implementations can be kernels downloaded from the hub, "org/kernel". Those not in PORTABLE are replaced.
BUILT_IN = (*PORTABLE, "flash_attention_2", "flash_attention_3", "flex_attention")
NOTHING: tuple[object, ...] = (None, False, "", [], {})  # values of a key that change nothing
BEYOND_LORA = (
    "use_dora", "use_qalora", "use_bdlora", "megatron_config", "arrow_config", "kasa_config", "velora_config",
    "monteclora_config", "alora_invocation_tokens", "target_parameters", "layer_replication", "modules_to_save",
)  # fmt: skip
CAUSAL_LMS = {MODEL_FOR_CAUSAL_LM_MAPPING_NAMES[kind] for kind in FAMILIES}
DEEPEST = 40  # levels of a JSON file; a configuration has about five


def check_folder(folder: Path) -> None:
    """Check a base model's folder.

    Raises:
        ModelError: It has pickled weights, names code or other files, is quantised, is of an unknown family, or has a
            configuration that does not fit its weights.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"Base model {folder} has no config.json: name a Hugging Face model folder.")
    _check_weights(folder)
    config = read_config(folder / "config.json")
    check_type(folder, config.get("model_type"))
    for name in CONFIGS:
        if (folder / name).is_file() and (bad := next(_code(_without_harmless(folder / name)), None)):
            raise ModelError(
                f"Base model {folder} wants to run other code or load other files ({name}: {bad}): "
                "remove the key, or choose a model of a supported family."
            )
    if config.get("quantization_config"):
        raise ModelError(f"Base model {folder} is quantised: load the unquantised model.")
    check_base_fit(folder, config)


def _check_weights(folder: Path) -> None:
    """Require safetensors of this folder, and no adapter beside them, which transformers would load by itself."""
    if not any(folder.glob("*.safetensors")):
        pickled = next((p.name for p in folder.iterdir() if p.suffix in PICKLES), None)
        problem = f"holds the pickle {pickled}" if pickled else "holds no weights"
        raise ModelError(f"Base model {folder} {problem}: only safetensors are loaded, so convert it first.")
    if AdapterLayout(folder).config.is_file():
        raise ModelError(f"Base model {folder} holds an {ADAPTER_CONFIG}: keep adapters in folders of their own.")
    if (folder / INDEX).is_file():
        _check_index(folder)


def _check_index(folder: Path) -> None:
    """Require an index of safetensors in this folder. One of pickles, which official models also hold, is not read."""
    named = read_config(folder / INDEX).get("weight_map")
    if not isinstance(named, dict):
        raise ModelError(f"Base model {folder} has no weight_map in {INDEX}: restore the file.")
    for name in map(str, named.values()):
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise ModelError(f"Base model {folder} names {name!r} in {INDEX}: list safetensors of this folder only.")


def _without_harmless(path: Path) -> dict[str, Any]:
    return {key: value for key, value in read_config(path).items() if key not in HARMLESS}


def _code(value: Any, key: str = "") -> Iterator[str]:
    """Keys of a configuration, at any depth, that name code."""
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
    """Check an adapter's folder.

    Args:
        adapter: Folder of the adapter.
        base: Folder of the base model.

    Raises:
        ModelError: It is pickled or linked, is not a plain LoRA adapter, or was trained on another base model.
    """
    own = AdapterLayout(adapter)
    if linked := next((file.name for file in (own.weights, own.config) if file.is_symlink()), None):
        raise ModelError(f"Adapter {adapter} holds the symbolic link {linked}: copy it with cp -rL, and name the copy.")
    if not own.weights.is_file():
        raise ModelError(
            f"Adapter {adapter} has no {WEIGHTS}: only safetensors are loaded, so save it again with PEFT."
        )
    config = read_config(own.config)
    given = {key for key, value in config.items() if value not in NOTHING}  # newer versions of PEFT add such keys
    if unknown := sorted(given - {field.name for field in fields(LoraConfig)}):
        raise ModelError(
            f"Adapter {adapter} has the unknown key {unknown[0][:80]!r} in {ADAPTER_CONFIG}: "
            "remove it, or save the adapter with the version of PEFT that is installed here."
        )
    options = [key for key in BEYOND_LORA if config.get(key)]
    if not _is_built_in(config.get("auto_mapping")):
        options.append("auto_mapping")
    if config.get("peft_type") != "LORA":
        options = [f"peft_type {str(config.get('peft_type'))[:60]!r}"]
    if options:
        raise ModelError(
            f"Adapter {adapter} is not a plain LoRA adapter ({', '.join(options)} in {ADAPTER_CONFIG}): "
            "train one with PEFT's LoraConfig without it."
        )
    made_for = str(config.get("revision") or "")
    if made_for.startswith("sha256:") and made_for != fingerprint(base):
        raise ModelError(
            f"Adapter {adapter} was made for another base model than {base}: name the base it was trained on."
        )


def _is_built_in(auto_mapping: Any) -> bool:
    """Whether PEFT's note of the base model's class, which it writes where no task was named, is empty or known."""
    if not auto_mapping:
        return True
    known = isinstance(auto_mapping, dict) and str(auto_mapping.get("base_model_class")) in CAUSAL_LMS
    return known and str(auto_mapping.get("parent_library")).startswith("transformers.models.")


def read_config(path: Path, most_bytes: int = 2**26) -> dict[str, Any]:
    """The JSON object in a file of a model folder.

    Args:
        path: The file.
        most_bytes: Size from which on the file is refused.

    Raises:
        ModelError: The file cannot be read, is too large, is nested too deep, or is no object.
    """
    if path.exists() and not path.is_file():  # reading a FIFO would wait for ever
        raise ModelError(f"{path} is no file: restore the file.")
    try:
        if (size := path.stat().st_size) > most_bytes:
            raise ModelError(f"{path} has {size:,} bytes, and {most_bytes:,} are read: restore the file.")
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as JSON ({type(error).__name__}): restore the file.") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object: restore the file.")
    if _is_deeper(content, DEEPEST):
        raise ModelError(f"{path} is nested deeper than {DEEPEST} levels, as no configuration is: restore the file.")
    return content


def _is_deeper(content: Any, levels: int) -> bool:
    """Whether lists and objects are nested in one another more than `levels` times."""
    level = [content]
    for _ in range(levels):
        inner = [list(value.values()) if isinstance(value, dict) else value for value in level]
        level = [one for values in inner for one in values if isinstance(one, dict | list)]
    return bool(level)
