"""Whether a base model's files hold the weights that its configuration names, found from the files' headers.

transformers fills a weight that it does not find with random numbers, and leaves out one that it does not place. The
model is built on torch's device meta, without memory for weights, and its names and shapes are compared with those in
the files, by transformers' own rules of renaming. Nothing is loaded: a load changes classes of transformers while it
lasts, so two of them at once, in two threads, spoil each other.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor
from transformers import CONFIG_MAPPING
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightRenaming, rename_source_key

from core.errors import ModelError
from core.models.base_parts import load_config, unusable, weightless_model
from core.models.families import FAMILIES

WHOLE, INDEX = "model.safetensors", "model.safetensors.index.json"  # where transformers looks, in this order
LARGEST = 2**31  # of any size
LAYERS = "num_hidden_layers"
WIDTHS = ("vocab_size", "hidden_size", "max_position_embeddings")  # of weights outside the layers
MLP, HEADS = ("intermediate_size", "n_inner"), ("num_attention_heads", "num_key_value_heads", "head_dim")
SIZES = (LAYERS, *WIDTHS, *MLP, *HEADS)
FLOATS = ("F64", "F32", "F16", "BF16")  # data types of weights, as safetensors names them; others need scales
BUFFERS = (".attn.bias", ".attention.bias", "masked_bias", "inv_freq")  # older versions stored these constants


def check_base_fit(folder: Path, content: Mapping[str, Any]) -> None:
    """Check that a base model's files hold each weight that its configuration names, in its shape, and no layer more.

    Args:
        folder: Folder of the base model, with safetensors.
        content: What its config.json says, of a family of FAMILIES.

    Raises:
        ModelError: A size cannot be used, a file is absent or damaged, or the files hold other weights.
    """
    stored = _stored(folder)
    _check_sizes(folder, content, len(stored))
    config = load_config(folder)
    check_type(folder, config.model_type)  # a type of its own where the configuration says more, such as ministral
    try:
        found = _compare(config, stored)
    except Exception as error:  # each model class fails in its own way
        raise unusable(folder, error) from None
    if found.mismatched:
        name, shape, named = found.mismatched[0]
        sizes = ", ".join(_field(config, size) for size in _sizes_of(config, name, {*named} - {*shape}))
        raise _unfit(folder, sizes, f"weight {name} is {_text(shape)} in its files, and {_text(named)} by config.json")
    if found.absent:
        more = f" and {len(found.absent) - 1:,} more" if len(found.absent) > 1 else ""
        fields = _field_of(config, found.absent[0], stored)
        raise _unfit(folder, fields, f"its files hold no weight {found.absent[0]}{more}")
    if found.unread:
        raise _unfit(folder, _field_of(config, found.unread[0], stored), f"nothing would read weight {found.unread[0]}")


def check_type(folder: Path, kind: Any) -> None:
    """Require a type of model of FAMILIES.

    Raises:
        ModelError: It is another one.
    """
    if kind not in FAMILIES:
        raise ModelError(f"Base model {folder} is of type {kind!r}: use one of {', '.join(FAMILIES)}.")


def _unfit(folder: Path, fields: str, fault: str) -> ModelError:
    return ModelError(
        f"Base model {folder} does not fit its config.json ({fields}): {fault}, so restore the files of the model."
    )


def _check_sizes(folder: Path, content: Mapping[str, Any], weights: int) -> None:
    """Require sizes that a model can have, and at most one layer for each weight, since layers are built one by one."""
    spelling = CONFIG_MAPPING[content["model_type"]].attribute_map
    sizes = {name: content.get(name) for size in SIZES for name in (size, spelling.get(size, size))}
    for name, size in sizes.items():
        if type(size) is int and not 1 <= size <= LARGEST:
            raise ModelError(
                f"Base model {folder} has {name} = {size} in config.json: "
                f"restore the file, which says a whole number from 1 to {LARGEST:,}."
            )
    for name in (LAYERS, spelling.get(LAYERS, LAYERS)):
        if isinstance(layers := sizes[name], int | float) and layers > weights:
            raise ModelError(
                f"Base model {folder} has {name} = {layers!r} in config.json and {weights:,} weights: "
                "restore the files."
            )


def _stored(folder: Path) -> dict[str, Tensor]:
    """The weights in the files that transformers reads, with their shape and without their values."""
    weights: dict[str, Tensor] = {}
    for path in weight_files(folder):
        try:
            with safe_open(path, framework="np") as stored:  # torch would ask for memory for the whole file
                for name in stored.keys():  # noqa: SIM118 - safe_open has no __iter__
                    one = stored.get_slice(name)
                    if (kind := one.get_dtype()) not in FLOATS and not name.endswith(BUFFERS):
                        raise ModelError(f"{path} stores {name} as {kind}: give the model in {', '.join(FLOATS)}.")
                    weights[name] = torch.empty(one.get_shape(), device="meta")
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{path} is damaged ({error}): restore the file.") from None
    return weights


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights: one, or those that an index lists."""
    if (folder / WHOLE).is_file():
        return [folder / WHOLE]
    if not (folder / INDEX).is_file():
        raise ModelError(f"Base model {folder} has no {WHOLE} and no {INDEX}: restore the files of the model.")
    named = json.loads((folder / INDEX).read_text(encoding="utf-8")).get("weight_map", {}).values()
    if absent := sorted(name for name in {*named} if not (folder / name).is_file()):
        raise ModelError(f"Base model {folder} names {absent[0]} in {INDEX}, and has no such file: restore it.")
    return [folder / name for name in sorted({*named})]


@dataclass(frozen=True)
class _Differences:
    """How the weights in files differ from those of a model; each list is sorted.

    Attributes:
        mismatched: Name, shape in the files and shape in the model; weights outside the layers come first.
        absent: Weights of the model that the files lack, without those that are tied to one they hold.
        unread: Stored weights inside layers for which the model has no place, without constants.
    """

    mismatched: list[tuple[str, torch.Size, torch.Size]]
    absent: list[str]
    unread: list[str]


def _compare(config: Any, stored: Mapping[str, Tensor]) -> _Differences:
    """Compare the weights in files with those of a model by its configuration."""
    model = weightless_model(config)
    named: dict[str, Tensor] = model.state_dict()
    rules = [rule for rule in get_model_conversion_mapping(model) if isinstance(rule, WeightRenaming)]
    place = {name: rename_source_key(name, rules, [], model.base_model_prefix, named)[0] for name in stored}
    held = {place[name]: weight.shape for name, weight in stored.items()}
    tied = model.get_expanded_tied_weights_keys(all_submodels=True)
    given = {*held, *(one for pair in tied.items() if {*pair} & {*held} for one in pair)}
    layers = FAMILIES[config.model_type].layers.rpartition(".")[2]
    mismatched = [(name, shape, named[name].shape) for name, shape in held.items() if name in named]
    return _Differences(
        sorted((one for one in mismatched if one[1] != one[2]), key=lambda one: (_layer(one[0]) is not None, one)),
        sorted({*named} - given),
        sorted(name for name in {*held} - {*named} if layers in name.split(".") and not name.endswith(BUFFERS)),
    )


def _sizes_of(config: Any, weight: str, wrong: set[int]) -> list[str]:
    """Fields of a configuration that may explain a weight's wrong shape; the stored weight lacks the sizes `wrong`."""
    if _layer(weight) is None:
        return [name for name in WIDTHS if getattr(config, name, None) in wrong] or ["hidden_size"]
    return [name for name in (MLP if "mlp" in weight.split(".") else HEADS) if getattr(config, name, None)]


def _field_of(config: Any, weight: str, stored: Iterable[str]) -> str:
    """The field of a configuration that explains why a weight is absent or left over, as far as its name tells."""
    number = _layer(weight)
    if number is None:
        is_head = "." not in weight.removesuffix(".weight")
        return _field(config, "tie_word_embeddings" if is_head else "model_type")
    if number >= config.num_hidden_layers or number not in map(_layer, stored):
        return _field(config, LAYERS)
    biases = [name for name in config.to_dict() if name.endswith("bias")] if weight.endswith(".bias") else []
    return ", ".join(_field(config, name) for name in biases or ["model_type"])


def _layer(weight: str) -> int | None:
    """The number of the layer in the name of a weight."""
    return next((int(part) for part in weight.split(".") if part.isdecimal()), None)


def _field(config: Any, name: str) -> str:
    """A field as the file spells it, and its value."""
    return f"{config.attribute_map.get(name, name)} = {getattr(config, name)!r}"


def _text(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
