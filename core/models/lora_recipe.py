"""The recipe of an adapter: everything that its configuration says about how a new one of the same kind is made."""

from pathlib import Path
from typing import Any

from peft import LoraConfig

from core.models.validation import read_config
from core.utils.serialization import parse_json

KEYS = (
    "r", "lora_alpha", "lora_dropout", "use_rslora", "rank_pattern", "alpha_pattern", "target_modules",
    "exclude_modules", "layers_to_transform", "layers_pattern", "fan_in_fan_out", "init_lora_weights",
)  # fmt: skip


def lora_config(rank: int) -> LoraConfig:
    """Configuration of an adapter that is trained here: LoRA with alpha = 2 rank on all linears of the decoder."""
    return LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")


def recipe_of(config: Path) -> dict[str, Any]:
    """The recipe in an adapter_config.json, as JSON values.

    Raises:
        ModelError: The file cannot be read.
    """
    return _recipe(read_config(config))


def config_of_recipe(content: bytes, path: Path) -> LoraConfig:
    """Configuration of a new adapter by a recipe, the content of a file.

    Raises:
        DamagedError: It is no JSON object.
    """
    return LoraConfig(**_recipe(parse_json(content, dict, path)), task_type="CAUSAL_LM")


def _recipe(content: dict[str, Any]) -> dict[str, Any]:
    recipe = {key: content[key] for key in KEYS if content.get(key) is not None}
    if recipe.get("init_lora_weights") == "eva":  # starts from data, which a recipe does not hold
        recipe["init_lora_weights"] = True
    return recipe
