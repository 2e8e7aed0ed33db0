"""Whether an adapter's weights fit its configuration and its base model, found without loading either.

The base model is built on torch's device meta, without memory for weights, and the adapter is added to it as PEFT would
do. The names and shapes that result are compared with those in the headers of the adapter's file.
"""

import json
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open

from core.errors import ModelError
from core.models import lora_patterns
from core.models.base_fit import FLOATS
from core.models.base_parts import load_config, weightless_model
from core.models.validation import read_config
from core.workspace.run_layout import ADAPTER_CONFIG, WEIGHTS, AdapterLayout

Shapes = dict[str, tuple[int, ...]]
PREFIX = "base_model.model."  # PEFT's prefix of the names of all weights
SECONDS = 0.8  # for matching all patterns
MOST_BYTES = 2**20  # of a configuration; one that lists every module of a large model takes a twentieth
MOST_HEADER = 2**23  # bytes of the header of the weights' file; an adapter of a large model takes a thirtieth
LARGEST_RANK = 2**16
SWITCHES = ("use_rslora", "fan_in_fan_out")  # any text would switch them on
PATTERNS = ("target_modules", "exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern")
# Other initialisations, such as PiSSA, also change the base model's weights when PEFT loads the adapter.
KEEPS_BASE = (True, False, None, "gaussian", "orthogonal", "eva")


@dataclass(frozen=True)
class Fit:
    """An adapter's configuration on its base model.

    Attributes:
        adapted: The base model with the adapter, on the device meta.
        of_base: Names of weights of the base model that the adapter's file holds too, such as embeddings.
    """

    adapted: PeftModel
    of_base: tuple[str, ...]


def check_fit(adapter: Path, base: Path) -> Fit:
    """Check that an adapter's file holds exactly the LoRA weights that its configuration names.

    Args:
        adapter: Folder of the adapter, which `check_adapter` has passed.
        base: Folder of the base model.

    Raises:
        ModelError: The file is damaged, empty, incomplete, or has weights of another model, rank or vocabulary; or a
            value of the configuration cannot be used.
    """
    found = stored_shapes(adapter)
    if not found:
        raise ModelError(
            f"Adapter {adapter} holds no weights in {WEIGHTS}: save it again after training "
            "(with DeepSpeed ZeRO-3, gather the weights first)."
        )
    plain = weightless_model(load_config(base))
    own = {PREFIX + name: tuple(weight.shape) for name, weight in plain.state_dict().items()}
    adapted = _adapted(adapter, base, plain)
    weights = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    expected = {name: tuple(weight.shape) for name, weight in weights.items()}
    of_base = {name: shape for name, shape in found.items() if name in own and name not in expected}
    _check_names(adapter, base, expected, {name: shape for name, shape in found.items() if name not in of_base})
    for name in sorted(expected):
        _check_shape(adapter, base, name, expected[name], found[name])
    for name, shape in of_base.items():
        _check_vocabulary(adapter, base, name, own[name], shape)
    return Fit(adapted, tuple(of_base))


def stored_shapes(adapter: Path) -> Shapes:
    """Names and shapes of the weights in an adapter's file.

    Raises:
        ModelError: The file is damaged.
    """
    path = AdapterLayout(adapter).weights
    with path.open("rb") as file:
        if int.from_bytes(file.read(8), "little") > MOST_HEADER:
            raise ModelError(
                f"Adapter {adapter} has more than {MOST_HEADER:,} bytes of names in {WEIGHTS}: restore it."
            )
    try:
        with safe_open(path, framework="pt") as stored:
            slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118 - safe_open has no __iter__
            for name, one in slices.items():
                if one.get_dtype() not in FLOATS:
                    raise ModelError(f"Adapter {adapter} stores {name} as {one.get_dtype()}: save it as float32.")
            return {name: tuple(one.get_shape()) for name, one in slices.items()}
    except SafetensorError as error:
        raise ModelError(f"Adapter {adapter} has a damaged {WEIGHTS} ({error}): save it again with PEFT.") from None


def _adapted(adapter: Path, base: Path, plain: Any) -> PeftModel:
    """The model with an adapter of this configuration."""
    content = read_config(AdapterLayout(adapter).config, MOST_BYTES)
    _check_numbers(adapter, content)
    _check_patterns(adapter, content, [name for name, _ in plain.named_modules()])
    try:
        config = LoraConfig.from_pretrained(str(adapter))
        if config.init_lora_weights not in KEEPS_BASE:
            raise ModelError(
                f"Adapter {adapter} was initialised by {str(config.init_lora_weights)[:60]!r}, which changes the base "
                "model: convert it to plain LoRA with PEFT's path_initial_model_for_weight_conversion."
            )
        config.init_lora_weights, config.base_model_name_or_path = False, None
        with torch.device("meta"):
            adapted: PeftModel = get_peft_model(plain, config)
    except (ValueError, TypeError, KeyError, AttributeError, RuntimeError) as error:  # the first line names the fault
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")[:200]
        raise ModelError(
            f"Adapter {adapter} does not fit base model {base} ({reason}): "
            "name an adapter that was trained on this base model."
        ) from None
    return adapted


def _check_numbers(adapter: Path, content: Mapping[str, Any]) -> None:
    """Require ranks, alphas and a dropout that an adapter can have."""
    ranks, alphas = _with_pattern(content, "r", "rank_pattern"), _with_pattern(content, "lora_alpha", "alpha_pattern")
    for key, rank in ranks.items():
        if type(rank) is not int or not 1 <= rank <= LARGEST_RANK:
            _refuse(adapter, key, rank, f"set the rank of its weights, a whole number from 1 to {LARGEST_RANK:,}")
        if rank % 2 and content.get("init_lora_weights") == "orthogonal":
            _refuse(adapter, key, rank, "orthogonal needs an even one, so set init_lora_weights to true")
    for key, alpha in alphas.items():
        if not _is_between(alpha, 0, 2**32) or not alpha:
            _refuse(adapter, key, alpha, "set the alpha of its training, a number above 0")
    for key in SWITCHES:
        if type(value := content.get(key, False)) is not bool:
            _refuse(adapter, key, value, "set true or false")
    if not _is_between(dropout := content.get("lora_dropout", 0.0), 0, 1) or dropout == 1:
        _refuse(adapter, "lora_dropout", dropout, "set a share from 0 to below 1")


def _with_pattern(content: Mapping[str, Any], key: str, pattern: str) -> dict[str, Any]:
    """A value of the configuration and those of single modules; a pattern that is no object stands for itself."""
    by_module = content.get(pattern) or {}
    default = {key: content[key]} if key in content else {}
    return default | (by_module if isinstance(by_module, dict) else {pattern: by_module})


def _is_between(value: Any, low: float, high: float) -> bool:
    return type(value) in (int, float) and low <= value <= high and not (type(value) is float and math.isnan(value))


def _refuse(adapter: Path, key: str, value: Any, mend: str) -> None:
    raise ModelError(f"Adapter {adapter} has {key[:80]} = {str(value)[:60]} in {ADAPTER_CONFIG}: {mend}.")


def _check_patterns(adapter: Path, content: Mapping[str, Any], modules: list[str]) -> None:
    """Match the configuration's patterns in a process of its own, which is ended where they take too long."""
    chosen = {key: content[key] for key in (*PATTERNS, "layers_to_transform") if content.get(key)}
    request = json.dumps([chosen, modules])
    command = [sys.executable, "-I", "-S", lora_patterns.__file__]
    try:
        subprocess.run(command, input=request, text=True, timeout=SECONDS, check=True, stderr=subprocess.DEVNULL)
    except subprocess.SubprocessError as error:
        slow = isinstance(error, subprocess.TimeoutExpired)
        fault = f"take longer than {SECONDS:g} s to match" if slow else "are no patterns"
        raise ModelError(
            f"Adapter {adapter} has values of {', '.join(key for key in PATTERNS if key in chosen)} in "
            f"{ADAPTER_CONFIG} that {fault}: name the modules one by one in target_modules."
        ) from None


def _check_names(adapter: Path, base: Path, expected: Shapes, found: Shapes) -> None:
    """Require the expected names and no other."""
    absent, surplus = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    if surplus and len(absent) == len(expected):
        raise ModelError(
            f"Adapter {adapter} does not fit base model {base}: none of its weights has a place there, for example "
            f"{surplus[0]} (weights of this base are called like {absent[0]}). Name the base model it was trained on."
        )
    if absent:
        raise ModelError(
            f"Adapter {adapter} holds {len(expected) - len(absent)} of the {len(expected)} weights that "
            f"{ADAPTER_CONFIG} names: {absent[0]} is absent, so save it again, or name in target_modules what was "
            "trained."
        )
    if surplus:
        raise ModelError(
            f"Adapter {adapter} holds {len(surplus)} weights that {ADAPTER_CONFIG} does not name, for example "
            f"{surplus[0]}: name in target_modules what was trained, or train it without them."
        )


def _check_shape(adapter: Path, base: Path, name: str, expected: tuple[int, ...], found: tuple[int, ...]) -> None:
    if found == expected:
        return
    rank = 0 if ".lora_A." in name else 1  # axis of the rank
    if len(found) == 2 and found[1 - rank] == expected[1 - rank]:
        raise ModelError(
            f"Adapter {adapter} has weights of rank {found[rank]} ({name}), but {ADAPTER_CONFIG} says "
            f"{expected[rank]}: set r (or rank_pattern) to {found[rank]}."
        )
    raise ModelError(
        f"Adapter {adapter} does not fit base model {base}: weight {name} is {_text(found)} instead of "
        f"{_text(expected)}. Name an adapter that was trained on this base model."
    )


def _check_vocabulary(adapter: Path, base: Path, name: str, expected: tuple[int, ...], found: tuple[int, ...]) -> None:
    if found != expected:
        raise ModelError(
            f"Adapter {adapter} was trained on another vocabulary: {name} is {_text(found)}, and in base model {base} "
            f"{_text(expected)}. Name the base model whose embeddings were resized for the training."
        )


def _text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
