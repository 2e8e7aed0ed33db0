"""Attribution and patching never allocate a tensor of size positions x heads x width."""

import gc
import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from core.circuit import attribution
from core.circuit.attribution import attribute_pairs
from core.circuit.graph import destinations, sources
from core.circuit.patching import run_circuit
from core.circuit.prompt_pairs import PromptPair
from core.models.families import anatomy

PROMPTS, TOKENS, HEADS, WIDTH = 32, 64, 8, 32
FORBIDDEN = PROMPTS * TOKENS * HEADS * WIDTH  # elements; the model's own largest tensor has half of them
NAMES = dict(bos_token_id=None, eos_token_id=None)
CONFIGS = {
    "gpt2": GPT2Config(vocab_size=64, n_embd=WIDTH, n_layer=2, n_head=HEADS, n_positions=TOKENS, **NAMES),
    "llama": LlamaConfig(
        vocab_size=64,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=2,
        **NAMES,
    ),
}


class LargestTensor(TorchDispatchMode):
    """Records the number of elements of the largest tensor that any operation returns."""

    elements = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor)]
        self.elements = max(self.elements, *sizes, 0)
        return result


@pytest.fixture(params=CONFIGS)
def model(request):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(CONFIGS[request.param]).eval()


@pytest.fixture
def pairs():
    torch.manual_seed(1)
    ids = torch.randint(64, (PROMPTS, 2, TOKENS)).tolist()
    return [PromptPair(tuple(clean), tuple(corrupted), 3, 5, "", ()) for clean, corrupted in ids]


def largest_tensor(function, *arguments, **options):
    """Number of elements of the largest tensor that a call allocates."""
    with LargestTensor() as recorder:
        function(*arguments, **options)
    return recorder.elements


@pytest.mark.parametrize("rule", ["midpoint", "conductance"])
def test_attribution_never_holds_all_heads_or_sources_at_once(model, pairs, rule):
    assert largest_tensor(attribute_pairs, model, pairs, 2, rule, PROMPTS, memory_budget_mib=1) < FORBIDDEN


def test_patching_never_holds_all_heads_or_sources_at_once(model, pairs):
    parts = anatomy(model)
    keep = torch.zeros(len(sources(parts)), len(destinations(parts)))
    assert largest_tensor(run_circuit, model, pairs, keep, PROMPTS, memory_budget_mib=1) < FORBIDDEN


def test_larger_memory_budget_allows_larger_tensors(model, pairs):
    assert largest_tensor(attribute_pairs, model, pairs, 2, batch_size=PROMPTS, memory_budget_mib=64) > FORBIDDEN


def test_gradients_are_freed_after_each_batch(model, pairs, monkeypatch):
    references, compute_gradients = [], attribution.compute_gradients

    def recording_gradients(*arguments):
        result = compute_gradients(*arguments)
        references.append(weakref.ref(result))
        return result

    monkeypatch.setattr(attribution, "compute_gradients", recording_gradients)
    gc.disable()  # otherwise the collector might free a reference cycle
    try:
        attribute_pairs(model, pairs, 2, batch_size=8)
        assert len(references) == 4 and not any(reference() for reference in references)
    finally:
        gc.enable()
