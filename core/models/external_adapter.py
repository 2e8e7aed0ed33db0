"""Checks of an adapter that another tool made, before it is copied into a workspace or loaded."""

from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from transformers import AutoConfig, AutoModelForCausalLM

from core.errors import ModelError
from core.models.validation import PICKLES, check_adapter
from core.workspace.run_layout import WEIGHTS, AdapterLayout

Shapes = dict[str, tuple[int, ...]]
# Other initialisations, such as PiSSA, also change the base model's weights when PEFT loads the adapter.
KEEPS_BASE = (True, False, None, "gaussian", "orthogonal", "eva")


def check_external_adapter(adapter: Path, base: Path) -> None:
    """Check that an adapter can be loaded safely, fits a base model, and has only finite weights.

    Its rank and its target modules may differ from those of the adapter in use.

    Args:
        adapter: Folder of the adapter.
        base: Folder of the base model.

    Raises:
        ModelError: It is pickled, is not a plain LoRA adapter, belongs to another base model, or has a weight that is
            not finite.
    """
    if not adapter.is_dir():
        raise ModelError(f"Adapter {adapter} is no folder: name the folder that PEFT's save_pretrained wrote.")
    if pickled := next((p.name for p in sorted(adapter.glob("adapter_model*")) if p.suffix in PICKLES), None):
        raise ModelError(
            f"Adapter {adapter} holds the pickle {pickled}: save it again as safetensors, and remove the pickle."
        )
    check_adapter(adapter, base)
    expected, found = _expected_shapes(adapter, base), _finite_shapes(adapter)
    if wrong := min((name for name in expected | found if expected.get(name) != found.get(name)), default=None):
        raise ModelError(
            f"Adapter {adapter} does not fit base model {base}: weight {wrong} is {_shape(found, wrong)} instead of "
            f"{_shape(expected, wrong)}. Name an adapter that was trained on this base model."
        )


def _expected_shapes(adapter: Path, base: Path) -> Shapes:
    """Shapes that the adapter's weights must have by its configuration."""
    try:
        adapted = _empty_model(adapter, base)
    except (ValueError, TypeError, KeyError) as error:  # PEFT's own sentences; the first line names the fault
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise ModelError(
            f"Adapter {adapter} does not fit base model {base} ({reason}): "
            "name an adapter that was trained on this base model."
        ) from None
    weights = get_peft_model_state_dict(adapted, save_embedding_layers=False)
    return {name: tuple(weight.shape) for name, weight in weights.items()}


def _empty_model(adapter: Path, base: Path) -> PeftModel:
    """The base model with an adapter of this configuration, without memory for weights (torch's device meta)."""
    config = LoraConfig.from_pretrained(str(adapter))
    if config.init_lora_weights not in KEEPS_BASE:
        raise ModelError(
            f"Adapter {adapter} was initialised by {config.init_lora_weights!r}, which changes the base model: "
            "convert it to plain LoRA with PEFT's path_initial_model_for_weight_conversion."
        )
    config.init_lora_weights, config.base_model_name_or_path = False, None
    with torch.device("meta"):
        plain = AutoConfig.from_pretrained(base, trust_remote_code=False)
        model = AutoModelForCausalLM.from_config(plain)  # type: ignore[no-untyped-call]
        adapted: PeftModel = get_peft_model(model, config)
    return adapted


def _finite_shapes(adapter: Path) -> Shapes:
    """Shapes of the stored weights, each of which must be finite."""
    shapes: Shapes = {}
    try:
        with safe_open(AdapterLayout(adapter).weights, framework="pt") as stored:
            for name in stored.keys():  # noqa: SIM118 - safe_open has no __iter__
                weight = stored.get_tensor(name)
                if not torch.isfinite(weight).all():
                    raise ModelError(
                        f"Adapter {adapter} has a weight that is not a finite number, in {name}: "
                        "train it again with a lower learning rate."
                    )
                shapes[name] = tuple(weight.shape)
    except SafetensorError as error:
        raise ModelError(f"Adapter {adapter} has a damaged {WEIGHTS} ({error}): save it again with PEFT.") from None
    return shapes


def _shape(shapes: Shapes, name: str) -> str:
    return " x ".join(map(str, shapes[name])) if name in shapes else "absent"
