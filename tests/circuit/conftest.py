"""Fixtures of the circuit tests: tiny random models of every family, a trained model, and prompt pairs."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    Qwen2Config,
    Qwen3Config,
)

from core.circuit.prompt_pairs import PromptPair
from core.models.recommender import Recommender

TRAINED = Path(__file__).parents[3] / "shared/data/tinystories-260k"
VOCABULARY = 512  # size of the trained model's vocabulary; its tokens below 259 are bytes, which no text contains
SIZES = dict(
    vocab_size=VOCABULARY,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    bos_token_id=None,
    eos_token_id=None,
)
NEOX = {name: size for name, size in SIZES.items() if name != "num_key_value_heads"} | {"rotary_pct": 0.5}
CONFIGS = {
    "llama": LlamaConfig(**SIZES, attention_bias=True),
    "mistral": MistralConfig(**SIZES, sliding_window=6),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES, head_dim=16),
    "gemma2": Gemma2Config(
        **SIZES,
        head_dim=16,
        query_pre_attn_scalar=16,
        sliding_window=6,
        attn_logit_softcapping=5.0,
        final_logit_softcapping=4.0,
    ),
    "gemma3": Gemma3TextConfig(**SIZES, head_dim=16, query_pre_attn_scalar=16, sliding_window=6),
    "phi3": Phi3Config(**SIZES, pad_token_id=0),
    "neox": GPTNeoXConfig(**NEOX),
    "neox-serial": GPTNeoXConfig(**NEOX, use_parallel_residual=False),
    "gpt2": GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=128, bos_token_id=None, eos_token_id=None
    ),
}


def random_model(family: str) -> nn.Module:
    """A random model: no bias is zero and no norm weight is one."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(CONFIGS[family])
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return model.eval()


def random_recommender(family: str, like: Recommender) -> Recommender:
    """A random model of a family, with the vocabulary and the tokenizer of another recommender."""
    config = deepcopy(CONFIGS[family])
    config.vocab_size = like.model.config.vocab_size
    setattr(config, "n_positions" if family == "gpt2" else "max_position_embeddings", 512)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 0.1)
    return replace(like, model=model)


def with_lora(model: nn.Module) -> nn.Module:
    """`model` with a random LoRA adapter on every linear layer."""
    torch.manual_seed(1)
    transposed = model.config.model_type == "gpt2"
    config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False, fan_in_fan_out=transposed)
    return get_peft_model(model, config).eval()


@pytest.fixture(scope="session")
def build_model() -> Callable[[str], nn.Module]:
    """Function that builds a model from its name: a family, or a family and "+lora"."""

    def build(name: str) -> nn.Module:
        family, _, lora = name.partition("+")
        return with_lora(random_model(family)) if lora else random_model(family)

    return build


@pytest.fixture(params=[*CONFIGS, "llama+lora", "gpt2+lora", "gemma2+lora", "phi3+lora", "neox+lora", "trained"])
def model(request: pytest.FixtureRequest, build_model: Callable[[str], nn.Module]) -> nn.Module:
    if request.param != "trained":
        return build_model(request.param)
    if not TRAINED.is_dir():
        pytest.skip(f"the trained model is not at {TRAINED}")
    return AutoModelForCausalLM.from_pretrained(TRAINED).eval()


@pytest.fixture
def pairs() -> list[PromptPair]:
    """Prompt pairs of different lengths; two adjacent tokens differ in each, at different positions."""
    torch.manual_seed(2)
    found = []
    for number, (length, start) in enumerate(((9, 2), (14, 5), (7, 1), (14, 3))):
        ids = torch.randint(259, VOCABULARY, (length,))
        corrupted = ids.clone()
        corrupted[start : start + 2] = torch.randint(259, VOCABULARY, (2,))
        found.append(
            PromptPair(
                tuple(ids.tolist()),
                tuple(corrupted.tolist()),
                403,
                411,
                "pagerank",
                ((start, start + 2),),
                prompt=number,
            )
        )
    return found
