"""Hooks measure the metric, restore the model afterwards and refuse layers that they cannot read."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.testing import assert_close

from core.circuit.attribution import attribute_pairs
from core.circuit.hooks import metrics
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.errors import ModelError
from core.models.families import anatomy


def model_state(model):
    """All parts of a model that hooks must restore."""
    modules = list(model.modules())
    return {
        "weights": [weight.clone() for weight in model.parameters()],
        "trainable": [weight.requires_grad for weight in model.parameters()],
        "gradients": [weight.grad is None for weight in model.parameters()],
        "modes": [module.training for module in modules],
        "groups": [getattr(module, "num_key_value_groups", None) for module in modules],
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules],
    }


def assert_equal_states(before, after):
    assert all(torch.equal(a, b) for a, b in zip(before.pop("weights"), after.pop("weights"), strict=True))
    assert before == after


def test_metric_equals_logit_difference_of_unpadded_run(model, pairs):
    for side, which in ((CLEAN, "ids"), (CORRUPTED, "corrupted")):
        for pair, metric in zip(pairs, metrics(anatomy(model), pairs, 4, side), strict=True):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([getattr(pair, which)])).logits[0, -1]
            assert_close(metric, logits[pair.right] - logits[pair.wrong], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("trainable", [True, False])
def test_attribution_restores_the_model(model, pairs, trainable):
    model.requires_grad_(trainable)
    before = model_state(model)
    attribute_pairs(model, pairs, steps=1)
    assert_equal_states(before, model_state(model))


def test_attribution_restores_the_model_after_a_failed_pass(model, pairs):
    before = model_state(model)

    def fail(*_):
        raise ZeroDivisionError

    handle = anatomy(model).final_norm.module.register_forward_hook(fail)
    with pytest.raises(ZeroDivisionError):
        attribute_pairs(model, pairs)
    handle.remove()
    assert_equal_states(before, model_state(model))


def test_model_state_includes_key_value_group_counts(build_model):
    groups = [layer.attention.num_key_value_groups for layer in anatomy(build_model("llama")).layers]
    assert groups == [2, 2]  # otherwise the tests above compare no group counts


def test_scores_are_computed_in_evaluation_mode(build_model, pairs):
    model = build_model("gpt2")  # the only family in these tests with dropout by default
    expected = attribute_pairs(model, pairs)
    model.train()
    assert torch.equal(attribute_pairs(model, pairs).edges, expected.edges)
    assert model.training


def test_dora_adapter_is_refused_before_any_pass(build_model, pairs):
    model = get_peft_model(build_model("llama"), LoraConfig(r=4, target_modules=["v_proj"], use_dora=True))
    with pytest.raises(ModelError, match="DoRA adapter cannot be opened: train a plain LoRA"):
        attribute_pairs(model, pairs)


@pytest.mark.filterwarnings("ignore:.*(deprecated|torch.ao).*")
def test_quantised_base_model_is_refused_before_any_pass(build_model, pairs):
    model = torch.ao.quantization.quantize_dynamic(build_model("llama"), {torch.nn.Linear}, torch.qint8)
    with pytest.raises(ModelError, match="quantised layer cannot be opened: load the base model unquantised"):
        attribute_pairs(model, pairs)
