"""LoRA layout: blocks are disjoint, cover all factors, and each changes only its own head or MLP."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from core.errors import ModelError
from core.models.families import anatomy
from core.models.lora_layout import cell_groups, layout
from core.types import Group
from tests.conftest import CONFIGS


def test_blocks_partition_each_trainable_factor(lora_model):
    plan = layout(lora_model)
    for name, parameter in plan.parameters.items():
        dim = plan.dims[name]
        covered = torch.zeros(parameter.shape[dim], dtype=torch.int)
        for block in plan.blocks:
            if block.parameter == name:
                assert block.dim == dim
                covered[block.start : block.stop] += 1
        assert (covered == 1).all()
    assert {owner for owners in plan.cells for owner in owners} == set(anatomy(lora_model).modules)


def test_change_of_a_head_cell_changes_only_its_owners(lora_model):
    """Perturbs the cells of head 1 in layer 0: before o_proj, heads that own none of these cells stay equal."""
    plan, parts = layout(lora_model), anatomy(lora_model)
    ids = torch.arange(1, 13).view(2, 6)
    seen = []
    handle = parts.layers[0].attention_out.register_forward_pre_hook(
        lambda module, args: seen.append(args[0].detach().clone())
    )
    with torch.no_grad():
        lora_model(ids)
        moved = [i for i, owners in enumerate(plan.cells) if "a0.h1" in owners]
        mask = torch.tensor([i in moved for i in range(len(plan.cells))])[plan.cell_of][:, None]
        shifted = plan.parts(plan.weights() + mask * 0.5)
        for (name, parameter), value in zip(plan.parameters.items(), shifted, strict=True):
            if plan.dims[name] == 0:
                parameter.copy_(value)
        lora_model(ids)
    handle.remove()
    heads = [tensor.view(2, 6, parts.n_heads, parts.d_head) for tensor in seen]
    change = (heads[0] - heads[1]).abs().amax((0, 1, 3))
    touched = {owner for i in moved for owner in plan.cells[i]}
    for head in range(parts.n_heads):
        assert (change[head] > 1e-6).item() == (f"a0.h{head}" in touched)


def test_inner_products_of_cells_sum_to_total(lora_model):
    plan = layout(lora_model)
    left, right = (torch.randn_like(plan.weights()) for _ in range(2))
    torch.testing.assert_close(plan.inner(left, right).sum(), (left * right).sum(), rtol=1e-4, atol=1e-4)


def test_flat_matrix_round_trip_keeps_values(lora_model):
    plan = layout(lora_model)
    before = [parameter.detach().clone() for parameter in plan.parameters.values()]
    assert all(torch.equal(a, b) for a, b in zip(plan.parts(plan.flat(before)), before, strict=True))
    plan.write(plan.weights() + 1)
    assert all(torch.equal(p, old + 1) for p, old in zip(plan.parameters.values(), before, strict=True))


def test_layers_of_different_rank_share_one_matrix():
    torch.manual_seed(0)
    config = LoraConfig(
        r=4, rank_pattern={"q_proj": 6}, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False
    )
    plan = layout(get_peft_model(AutoModelForCausalLM.from_config(CONFIGS["llama"]()), config))
    flat = plan.weights()
    assert flat.shape[1] == 6
    whole = sum((parameter.detach() ** 2).sum() for parameter in plan.parameters.values())
    torch.testing.assert_close(plan.inner(flat, flat).sum(), whole)
    assert all(torch.equal(a, b) for a, b in zip(plan.parts(flat), plan.parameters.values(), strict=True))


def test_group_of_key_value_block_depends_on_all_its_heads():
    cells = (("a0.h0",), ("a0.h0", "a0.h1"))
    kinds = lambda first, second: cell_groups(cells, {"a0.h0": first, "a0.h1": second})  # noqa: E731
    assert kinds(Group.FORGET, Group.FORGET) == (Group.FORGET, Group.FORGET)
    assert kinds(Group.FORGET, Group.RETAIN) == (Group.FORGET, Group.SHARED)
    assert kinds(Group.FORGET, Group.OUTSIDE) == (Group.FORGET, Group.OUTSIDE)


def test_modules_without_lora_own_nothing():
    config = LoraConfig(r=2, target_modules=["v_proj", "down_proj"], layers_to_transform=[1], task_type="CAUSAL_LM")
    plan = layout(get_peft_model(AutoModelForCausalLM.from_config(CONFIGS["llama"]()), config))
    assert plan.modules == ("a1.h0", "a1.h1", "a1.h2", "a1.h3", "m1")
    assert plan.weights().shape == (16 + 48, 2)  # rows of B of two value heads, columns of A of down_proj


def test_adapter_of_no_module_is_refused():
    config = LoraConfig(r=2, target_modules=["lm_head"], task_type="CAUSAL_LM")
    model = get_peft_model(AutoModelForCausalLM.from_config(CONFIGS["llama"]()), config)
    with pytest.raises(ModelError, match="reaches no attention and no MLP layer: train it with"):
        layout(model)
