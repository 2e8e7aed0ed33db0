"""No tensor grows with positions, heads and width at once: a watcher sees all that is ever allocated."""

import gc
import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from core.circuit import attribution
from core.circuit.attribution import attribute
from core.circuit.graph import destinations, sources
from core.circuit.patching import run_circuit
from core.circuit.prompt_pairs import PromptPair
from core.models.families import anatomy

PROMPTS, TOKENS, HEADS, WIDTH = 32, 64, 8, 32
FORBIDDEN = PROMPTS * TOKENS * HEADS * WIDTH  # elements; the largest tensor of the model itself has half as many
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


class Largest(TorchDispatchMode):
    """The number of elements of the largest tensor that any operation returned."""

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
def contrasts():
    torch.manual_seed(1)
    ids = torch.randint(64, (PROMPTS, 2, TOKENS)).tolist()
    return [PromptPair(tuple(clean), tuple(corrupted), 3, 5, "", ()) for clean, corrupted in ids]


def largest(function, *arguments, **options):
    with Largest() as seen:
        function(*arguments, **options)
    return seen.elements


@pytest.mark.parametrize("rule", ["midpoint", "conductance"])
def test_attribution_never_holds_all_heads_or_sources_at_once(model, contrasts, rule):
    assert largest(attribute, model, contrasts, 2, rule, PROMPTS, memory=1) < FORBIDDEN


def test_nor_does_patching(model, contrasts):
    parts = anatomy(model)
    keep = torch.zeros(len(sources(parts)), len(destinations(parts)))
    assert largest(run_circuit, model, contrasts, keep, PROMPTS, memory=1) < FORBIDDEN


def test_the_watcher_sees_what_a_larger_budget_allows(model, contrasts):
    assert largest(attribute, model, contrasts, 2, batch_size=PROMPTS, memory=64) > FORBIDDEN


def test_what_a_batch_needed_is_gone_with_it(model, contrasts, monkeypatch):
    found, compute_gradients = [], attribution.compute_gradients

    def watched(*arguments):
        result = compute_gradients(*arguments)
        found.append(weakref.ref(result))
        return result

    monkeypatch.setattr(attribution, "compute_gradients", watched)
    gc.disable()  # or a cycle would be found now and then
    try:
        attribute(model, contrasts, 2, batch_size=8)
        assert len(found) == 4 and not any(reference() for reference in found)
    finally:
        gc.enable()
