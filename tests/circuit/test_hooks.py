import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.testing import assert_close

from core.circuit.attribution import attribute
from core.circuit.hooks import metrics
from core.circuit.prompt_pairs import CLEAN, CORRUPTED
from core.errors import ModelError
from core.models.families import anatomy


def state(model):
    """Everything that a visit must leave as it was."""
    modules = list(model.modules())
    return {
        "weights": [weight.clone() for weight in model.parameters()],
        "trainable": [weight.requires_grad for weight in model.parameters()],
        "gradients": [weight.grad is None for weight in model.parameters()],
        "modes": [module.training for module in modules],
        "groups": [getattr(module, "num_key_value_groups", None) for module in modules],
        "hooks": [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules],
    }


def assert_same(before, after):
    assert all(torch.equal(a, b) for a, b in zip(before.pop("weights"), after.pop("weights"), strict=True))
    assert before == after


def test_metric_is_the_logit_difference_of_an_unpadded_run(model, contrasts):
    for side, which in ((CLEAN, "ids"), (CORRUPTED, "corrupted")):
        for contrast, metric in zip(contrasts, metrics(anatomy(model), contrasts, 4, side), strict=True):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([getattr(contrast, which)])).logits[0, -1]
            assert_close(metric, logits[contrast.right] - logits[contrast.wrong], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("trainable", [True, False])
def test_the_model_is_left_as_it_was(model, contrasts, trainable):
    model.requires_grad_(trainable)
    before = state(model)
    attribute(model, contrasts, steps=1)
    assert_same(before, state(model))


def test_the_model_is_left_as_it_was_when_a_pass_fails(model, contrasts):
    before = state(model)

    def fail(*_):
        raise ZeroDivisionError

    handle = anatomy(model).final_norm.module.register_forward_hook(fail)
    with pytest.raises(ZeroDivisionError):
        attribute(model, contrasts)
    handle.remove()
    assert_same(before, state(model))


def test_shared_key_value_heads_are_counted_before_and_after(make):
    groups = [layer.attention.num_key_value_groups for layer in anatomy(make("llama")).layers]
    assert groups == [2, 2]  # or the tests above would restore nothing


def test_scores_are_those_of_evaluation_mode(make, contrasts):
    model = make("gpt2")  # the only family here with dropout by default
    expected = attribute(model, contrasts)
    model.train()
    assert torch.equal(attribute(model, contrasts).edges, expected.edges)
    assert model.training


def test_a_dora_adapter_is_refused_before_any_pass(make, contrasts):
    model = get_peft_model(make("llama"), LoraConfig(r=4, target_modules=["v_proj"], use_dora=True))
    with pytest.raises(ModelError, match="DoRA adapter cannot be opened: train a plain LoRA"):
        attribute(model, contrasts)


@pytest.mark.filterwarnings("ignore:.*(deprecated|torch.ao).*")
def test_a_quantised_base_is_refused_before_any_pass(make, contrasts):
    model = torch.ao.quantization.quantize_dynamic(make("llama"), {torch.nn.Linear}, torch.qint8)
    with pytest.raises(ModelError, match="quantised layer cannot be opened: load the base model unquantised"):
        attribute(model, contrasts)
