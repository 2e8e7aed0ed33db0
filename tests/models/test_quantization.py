"""Weight quantization: weights lie on the grid inside the context and are restored after it."""

import pytest
import torch
from peft.tuners.lora import LoraLayer

from core.models.quantization import quantized


def weights(model) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@pytest.mark.parametrize("bits", [8, 4])
def test_quantized_rows_lie_on_grid_and_weights_are_restored(lora_model, bits):
    before, ids = weights(lora_model), torch.arange(12).view(2, 6)
    with torch.no_grad():
        plain = lora_model(input_ids=ids).logits
        with quantized(lora_model, bits):
            inside = lora_model(input_ids=ids).logits
            for layer in (layer for layer in lora_model.modules() if isinstance(layer, LoraLayer)):
                base = layer.get_base_layer()
                rows = base.weight if isinstance(base, torch.nn.Linear) else base.weight.T
                assert max(len(row.unique()) for row in rows) <= 2**bits - 1
        after = lora_model(input_ids=ids).logits
    assert all(torch.equal(value, before[name]) for name, value in weights(lora_model).items())
    assert torch.equal(plain, after) and not torch.equal(plain, inside)


def test_more_bits_change_logits_less(lora_model):
    ids = torch.arange(12).view(2, 6)
    with torch.no_grad():
        plain, changes = lora_model(input_ids=ids).logits, []
        for bits in (4, 8, 16):
            with quantized(lora_model, bits):
                changes.append((lora_model(input_ids=ids).logits - plain).abs().max().item())
    assert changes[0] > changes[1] > changes[2] and changes[2] < 1e-2


def test_weights_are_restored_after_an_error(lora_model):
    before = weights(lora_model)
    with pytest.raises(ValueError), quantized(lora_model, 4):
        raise ValueError
    assert all(torch.equal(value, before[name]) for name, value in weights(lora_model).items())
