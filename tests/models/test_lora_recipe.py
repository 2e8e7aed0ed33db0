"""The recipe of an adapter gives new adapters of exactly its layout, over random layouts."""

import random

import pytest
import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from transformers import AutoModelForCausalLM

from core.errors import ModelError
from core.models.external_adapter import check_given_adapter
from core.models.lora_layout import layout
from core.models.lora_recipe import config_of_recipe, recipe_of
from core.models.recommender import new_adapter
from core.utils.serialization import write_json
from tests.models.adapter_folders import change_config, make_adapter, make_base

LINEARS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
STARTS = [True, False, "gaussian", "orthogonal", "eva"]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return make_base(tmp_path_factory.mktemp("base") / "llama", num_hidden_layers=3)


def random_layout(draw: random.Random, layers: int = 3) -> dict:
    """Values of a LoRA configuration, of each kind that PEFT trains and `prepare` takes."""
    targets = draw.sample(LINEARS, draw.randint(1, 7))
    options = {"r": draw.choice([2, 4, 8]), "lora_alpha": draw.choice([1, 8, 32]), "target_modules": targets}
    if draw.random() < 0.5:
        options["layers_to_transform"] = draw.sample(range(layers), draw.randint(1, layers))
    if draw.random() < 0.3:
        options["layers_pattern"] = "layers" if "layers_to_transform" in options else None
    if draw.random() < 0.5:
        options["rank_pattern"] = {draw.choice(targets): 6, rf".*layers\.1\..*{draw.choice(targets)}": 2}
    if draw.random() < 0.5:
        options["alpha_pattern"] = {draw.choice(targets): 3, f"layers.0.mlp.{draw.choice(LINEARS[4:])}": 5}
    if draw.random() < 0.3:
        options["exclude_modules"] = [f"layers.1.self_attn.{draw.choice(LINEARS[:4])}"]
    return options | {"use_rslora": draw.random() < 0.3, "lora_dropout": draw.choice([0, 0.1])}


def scales(model) -> dict[str, float]:
    """Factor of B A in each linear layer."""
    return {name: module.scaling["default"] for name, module in model.named_modules() if isinstance(module, LoraLayer)}


def test_a_new_adapter_has_exactly_the_layout_of_the_given_one(base, tmp_path):
    draw, taken = random.Random(0), 0
    for number in range(8):
        given = make_adapter(base, tmp_path / f"a{number}", **random_layout(draw))
        change_config(given, init_lora_weights=draw.choice(STARTS))
        try:
            check_given_adapter(given, base)
        except ModelError:  # layers and exclusions left no module
            continue
        taken += 1
        write_json(tmp_path / "recipe.json", recipe_of(given / "adapter_config.json"))
        config = config_of_recipe((file := tmp_path / "recipe.json").read_bytes(), file)
        made = new_adapter(AutoModelForCausalLM.from_pretrained(base), config, base, seed=1)
        change_config(given, init_lora_weights=True)
        known = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), given)
        weights, same = (get_peft_model_state_dict(model, save_embedding_layers=False) for model in (made, known))
        assert {n: w.shape for n, w in weights.items()} == {n: w.shape for n, w in same.items()}
        assert scales(made) == scales(known) and layout(made).cells == layout(known).cells
        assert made.peft_config["default"].lora_dropout == known.peft_config["default"].lora_dropout
    assert taken > 5


def test_a_new_adapter_starts_as_the_base_model(base, tmp_path):
    given = make_adapter(base, tmp_path / "a", target_modules=["q_proj", "up_proj"])
    write_json(tmp_path / "recipe.json", recipe_of(given / "adapter_config.json"))
    plain = AutoModelForCausalLM.from_pretrained(base)
    ids = torch.arange(12)[None]
    expected = plain(ids).logits
    made = new_adapter(plain, config_of_recipe((file := tmp_path / "recipe.json").read_bytes(), file), base, seed=1)
    torch.testing.assert_close(made(ids).logits, expected)
