"""Checks of an adapter that was trained elsewhere, before it is copied into a workspace or loaded."""

from pathlib import Path

import torch
from peft import PeftModel
from safetensors import safe_open
from torch import Tensor

from core.errors import ModelError
from core.models.adapter_fit import PREFIX, Fit, check_fit
from core.models.finite_weights import first_not_finite
from core.models.lora_layout import layout
from core.models.validation import PICKLES, check_adapter, read_config
from core.workspace.run_layout import ADAPTER_CONFIG, AdapterLayout

# What PEFT can train beside LoRA weights, with the value that leaves it out.
BESIDE_LORA = {"bias": "none", "lora_bias": False, "trainable_token_indices": None, "modules_to_save": None}


def check_external_adapter(adapter: Path, base: Path) -> None:
    """Check that an adapter can be loaded safely, fits a base model, and has only finite weights.

    Its rank and its target modules may differ from those of the adapter in use.

    Args:
        adapter: Folder of the adapter.
        base: Folder of the base model.

    Raises:
        ModelError: It is pickled, is not a plain LoRA adapter, does not fit the base model, holds weights of the base
            model, trained more than the LoRA factors of attention and MLP layers, or has a weight that is not finite.
    """
    _check_config(adapter)
    fit = _check_safe(adapter, base)
    _check_layers(adapter, fit.adapted)
    if fit.of_base:
        raise ModelError(
            f"Adapter {adapter} holds {fit.of_base[0]}, a weight of the base model: save it again with PEFT's "
            "save_pretrained(..., save_embedding_layers=False)."
        )
    _check_finite(adapter)


def check_given_adapter(adapter: Path, base: Path) -> tuple[str, ...]:
    """Check that unlearning can work in an adapter, and move everything that it trained.

    Args:
        adapter: Folder of the adapter.
        base: Folder of the base model.

    Returns:
        Names of weights in the adapter's file that only repeat the base model's and can be left out.

    Raises:
        ModelError: As in `check_external_adapter`; or the adapter was never trained.
    """
    _check_config(adapter)
    fit = _check_safe(adapter, base)
    _check_layers(adapter, fit.adapted)
    if trained := _trained_embedding(adapter, base, fit.of_base):
        raise ModelError(
            f"Adapter {adapter} holds {trained} with other values than base model {base}, and unlearning moves LoRA "
            "weights only: train an adapter without embeddings and lm_head, or save the trained ones in the base model."
        )
    _check_finite(adapter)
    _check_trained(adapter)
    return fit.of_base


def _check_config(adapter: Path) -> None:
    """Require a configuration that trains LoRA weights only."""
    path = AdapterLayout(adapter).config
    config = read_config(path) if path.is_file() else {}
    if config.get("trainable_token_indices") == []:
        raise ModelError(
            f"Adapter {adapter} has trainable_token_indices = [] in {ADAPTER_CONFIG}, and PEFT wraps the embedding: "
            "save it again with trainable_token_indices=None."
        )
    for key, plain in BESIDE_LORA.items():
        if (value := config.get(key)) and value != plain:
            raise ModelError(
                f"Adapter {adapter} trained more than LoRA weights ({key} = {str(value)[:60]} in {ADAPTER_CONFIG}), "
                f"and unlearning moves nothing else: train it with {key}={plain!r}."
            )


def _check_layers(adapter: Path, adapted: PeftModel) -> None:
    """Require LoRA weights in attention and MLP layers only."""
    given = {name.partition(".lora_")[0] for name, _ in adapted.named_parameters() if ".lora_" in name}
    owned = {name.partition(".lora_")[0] for name in layout(adapted).parameters}
    if other := sorted(given - owned):
        raise ModelError(
            f"Adapter {adapter} has LoRA weights in {other[0].removeprefix(PREFIX)}, which is no attention or MLP "
            "layer, and unlearning does not move them: leave it out of target_modules, and train the adapter again."
        )


def _check_safe(adapter: Path, base: Path) -> Fit:
    """Check everything but the values of the weights."""
    if not adapter.is_dir():
        raise ModelError(f"Adapter {adapter} is no folder: name the folder that PEFT's save_pretrained wrote.")
    if pickled := next((p.name for p in sorted(adapter.glob("adapter_model*")) if p.suffix in PICKLES), None):
        raise ModelError(
            f"Adapter {adapter} holds the pickle {pickled}: save it again as safetensors, and remove the pickle."
        )
    check_adapter(adapter, base)
    return check_fit(adapter, base)


def _check_finite(adapter: Path) -> None:
    if name := first_not_finite(AdapterLayout(adapter).weights):
        raise ModelError(
            f"Adapter {adapter} has a weight that is not a finite number, in {name}: "
            "train it again with a lower learning rate."
        )


def _check_trained(adapter: Path) -> None:
    """Require a factor B with a value: PEFT begins with zeros, and unlearning has nothing to take out of them."""
    with safe_open(AdapterLayout(adapter).weights, framework="pt") as stored:
        factors = (stored.get_tensor(name) for name in stored.keys() if ".lora_B." in name)  # noqa: SIM118
        if not any(bool(factor.any()) for factor in factors):
            raise ModelError(f"Adapter {adapter} was never trained (each lora_B is zero): name a trained one.")


def _trained_embedding(adapter: Path, base: Path, names: tuple[str, ...]) -> str | None:
    """The first of these weights that repeats no weight of the base model."""
    with safe_open(AdapterLayout(adapter).weights, framework="pt") as stored:
        return next((name for name in names if not _repeats(stored.get_tensor(name), base)), None)


def _repeats(weight: Tensor, base: Path) -> bool:
    """Whether the base model's files hold these values under any name: a tied lm_head is stored as the embedding."""
    for path in base.glob("*.safetensors"):
        with safe_open(path, framework="pt") as stored:
            same_shape = (n for n in stored.keys() if stored.get_slice(n).get_shape() == list(weight.shape))  # noqa: SIM118
            if any(torch.equal(weight, stored.get_tensor(name).to(weight.dtype)) for name in same_shape):
                return True
    return False
