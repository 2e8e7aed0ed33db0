"""A model laid out over two cards: that whatever is computed meets on one device.

There are no two cards here. PyTorch's fake tensors know their device and refuse to mix two as real ones do, and compute
nothing: "cpu" and "meta" stand for the cards, in both orders, since an index on "cpu" is allowed everywhere.
"""

import pytest
import torch
from accelerate.hooks import AlignDevicesHook, add_hook_to_module
from peft import LoraConfig, get_peft_model
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.overrides import TorchFunctionMode
from transformers import LlamaConfig, LlamaForCausalLM

from core.circuit import attribution, patching
from core.circuit.prompt_pairs import PairBatch, PromptPair
from core.evaluation.ranking import _tail_scores
from core.models import recommender
from core.models.batching import Batch, answer_logits, answer_loss
from core.models.families import anatomy
from core.models.lora_layout import layout
from core.models.recommender import Recommender
from core.types import Task

CONTRASTS = [PromptPair((1, 2, 3, 4), (1, 5, 3, 4), 6, 7, "pagerank", ((1, 2),), (1, 2))] * 2
PARTS = {  # as accelerate lays a model out: whole layers, one card after the other
    "model.embed_tokens": 0,
    "model.rotary_emb": 0,
    "model.layers.0": 0,
    "model.layers.1": 1,
    "model.norm": 1,
    "lm_head": 1,
}


class OneDevice(TorchFunctionMode):
    """Fake tensors let an index of another card pass, which real ones refuse unless it is in main memory."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.__getitem__:
            places = args[1] if isinstance(args[1], tuple) else (args[1],)
            devices = {place.device for place in places if isinstance(place, torch.Tensor)}
            assert devices <= {args[0].device, torch.device("cpu")}, (args[0].device, devices)
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=[("cpu", "meta"), ("meta", "cpu")], ids=lambda cards: f"{cards[0]} first")
def cards(request):
    return request.param


@pytest.fixture
def spread_out(cards):
    """A tiny Llama with an adapter, on both cards, in a world of fake tensors."""
    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=32,
    )  # fmt: skip
    plain = LlamaForCausalLM(config).eval()
    adapted = get_peft_model(plain, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    with FakeTensorMode(allow_non_fake_inputs=True), OneDevice():
        for name, card in PARTS.items():
            move(plain.get_submodule(name), cards[card])
            add_hook_to_module(plain.get_submodule(name), AlignDevicesHook(cards[card]))
        add_hook_to_module(plain, AlignDevicesHook(cards[0], io_same_device=True))
        yield adapted


def move(part: nn.Module, card: str) -> None:
    for module in part.modules():
        for name, value in module._parameters.items():
            if value is not None:
                module._parameters[name] = nn.Parameter(torch.empty(value.shape, device=card))
        for name, value in module._buffers.items():
            module._buffers[name] = torch.empty(value.shape, device=card)


def numbers(card: str, *shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=torch.long, device=card)


def test_a_step_of_training(spread_out, cards):
    prompts, answers = (numbers(cards[0], *shape) for shape in ((2, 7), (3,)))
    batch, plan = Batch(*[prompts] * 3, *[answers] * 5), layout(spread_out)
    loss = answer_loss(answer_logits(spread_out, batch), batch)
    gradient = plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
    plan.write(plan.weights() - gradient)
    assert {str(part.device) for part in plan.parameters.values()} == set(cards)
    assert str(gradient.device) == cards[0]


def test_candidates_are_ranked(spread_out, cards):
    asked = Recommender(spread_out, None, Task.CLICK, 1, 2, torch.device(cards[0]), torch.float32)
    with torch.no_grad():
        body = anatomy(spread_out).causal_lm.base_model
        cache = body(input_ids=numbers(cards[0], 1, 4), use_cache=True).past_key_values
        scores = _tail_scores(asked, cache, 4, [(1, 2, 3, 4, 5), (1, 2, 3, 4, 6, 7)], [5, 6])
    assert scores.shape == (2,)


def test_a_circuit_is_scored_and_run_alone(spread_out, cards, monkeypatch):
    ids, places, answers = (numbers(cards[0], *shape) for shape in ((2, 2, 4), (2, 4), (2, 2)))
    batch = PairBatch(anatomy(spread_out), ids, places, answers, places, ((), ()), 1)
    for module in (attribution, patching):
        monkeypatch.setattr(module, "batches", lambda *_: iter([([0, 1], batch)]))
    scores = attribution.attribute(spread_out, CONTRASTS)
    alone = patching.run_module_circuits(spread_out, CONTRASTS, [["a0.h0", "m1"]])
    assert len(scores.nodes) == 2 and alone.shape == (1, 2)


def test_layers_are_laid_out_by_free_memory(monkeypatch):
    free = {"cuda:1": (30, 80), "cuda:3": (50, 80)}
    monkeypatch.setattr(torch.cuda, "mem_get_info", free.__getitem__)
    assert recommender.device_map(["cuda:1", "cuda:3"]) == {"device_map": "balanced", "max_memory": {1: 30, 3: 50}}
