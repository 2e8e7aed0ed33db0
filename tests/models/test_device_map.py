"""Models on two devices: all tensors of one operation lie on the same device.

The tests need no GPUs. PyTorch's fake tensors have a device, refuse to mix two devices as real tensors do, and compute
nothing. "cpu" and "meta" stand for two GPUs, in both orders, because an index tensor on "cpu" is allowed everywhere.
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

PAIRS = [PromptPair((1, 2, 3, 4), (1, 5, 3, 4), 6, 7, "pagerank", ((1, 2),), (1, 2))] * 2
PARTS = {  # accelerate's layout: whole layers, in order, on one device after the other
    "model.embed_tokens": 0,
    "model.rotary_emb": 0,
    "model.layers.0": 0,
    "model.layers.1": 1,
    "model.norm": 1,
    "lm_head": 1,
}


class OneDevice(TorchFunctionMode):
    """Refuse an index tensor of another GPU: real tensors do, fake tensors do not."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is torch.Tensor.__getitem__:
            indices = args[1] if isinstance(args[1], tuple) else (args[1],)
            index_devices = {index.device for index in indices if isinstance(index, torch.Tensor)}
            assert index_devices <= {args[0].device, torch.device("cpu")}, (args[0].device, index_devices)
        return func(*args, **(kwargs or {}))


@pytest.fixture(params=[("cpu", "meta"), ("meta", "cpu")], ids=lambda devices: f"{devices[0]} first")
def devices(request):
    return request.param


@pytest.fixture
def two_device_model(devices):
    """A tiny Llama with an adapter, as fake tensors on two devices."""
    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
        vocab_size=32,
    )  # fmt: skip
    plain = LlamaForCausalLM(config).eval()
    adapted = get_peft_model(plain, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    with FakeTensorMode(allow_non_fake_inputs=True), OneDevice():
        for name, device in PARTS.items():
            move_to_device(plain.get_submodule(name), devices[device])
            add_hook_to_module(plain.get_submodule(name), AlignDevicesHook(devices[device]))
        add_hook_to_module(plain, AlignDevicesHook(devices[0], io_same_device=True))
        yield adapted


def move_to_device(part: nn.Module, device: str) -> None:
    for module in part.modules():
        for name, value in module._parameters.items():
            if value is not None:
                module._parameters[name] = nn.Parameter(torch.empty(value.shape, device=device))
        for name, value in module._buffers.items():
            module._buffers[name] = torch.empty(value.shape, device=device)


def ones(device: str, *shape: int) -> torch.Tensor:
    return torch.ones(*shape, dtype=torch.long, device=device)


def test_training_step_runs_on_two_devices(two_device_model, devices):
    prompts, answers = (ones(devices[0], *shape) for shape in ((2, 7), (3,)))
    batch, plan = Batch(*[prompts] * 3, *[answers] * 5), layout(two_device_model)
    loss = answer_loss(answer_logits(two_device_model, batch), batch)
    gradient = plan.flat(torch.autograd.grad(loss, list(plan.parameters.values())))
    plan.write(plan.weights() - gradient)
    assert {str(part.device) for part in plan.parameters.values()} == set(devices)
    assert str(gradient.device) == devices[0]


def test_ranking_runs_on_two_devices(two_device_model, devices):
    recommender_of_model = Recommender(
        two_device_model, None, Task.CLICK, 1, 2, torch.device(devices[0]), torch.float32
    )
    with torch.no_grad():
        body = anatomy(two_device_model).causal_lm.base_model
        cache = body(input_ids=ones(devices[0], 1, 4), use_cache=True).past_key_values
        scores = _tail_scores(recommender_of_model, cache, 4, [(1, 2, 3, 4, 5), (1, 2, 3, 4, 6, 7)], [5, 6])
    assert scores.shape == (2,)


def test_circuit_attribution_and_patching_run_on_two_devices(two_device_model, devices, monkeypatch):
    ids, positions, answers = (ones(devices[0], *shape) for shape in ((2, 2, 4), (2, 4), (2, 2)))
    batch = PairBatch(anatomy(two_device_model), ids, positions, answers, positions, ((), ()), 1)
    for module in (attribution, patching):
        monkeypatch.setattr(module, "batches", lambda *_: iter([([0, 1], batch)]))
    scores = attribution.attribute_pairs(two_device_model, PAIRS)
    alone = patching.run_module_circuits(two_device_model, PAIRS, [["a0.h0", "m1"]])
    assert len(scores.nodes) == 2 and alone.shape == (1, 2)


def test_device_map_uses_free_memory(monkeypatch):
    free = {"cuda:1": (30, 80), "cuda:3": (50, 80)}
    monkeypatch.setattr(torch.cuda, "mem_get_info", free.__getitem__)
    assert recommender.device_map(["cuda:1", "cuda:3"]) == {"device_map": "balanced", "max_memory": {1: 30, 3: 50}}
