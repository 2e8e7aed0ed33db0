"""Loading of models: unsafe or unsuitable models are refused in one sentence before they are loaded."""

import json
import pickle
import shutil

import pytest
import torch
from transformers import AutoModelForCausalLM, initialization

from core.errors import DeviceError, ModelError
from core.models.device import choose_device
from core.models.recommender import answer_tokens, load
from core.models.scratch import train_tokenizer
from core.types import Task

ANSWERS = (" Yes", " No")


def loaded(workspace, adapter="adapter", base="base", device="cpu"):
    return load(str(workspace.root / base), str(workspace.root / adapter), Task.CLICK, ANSWERS, device)


def test_local_model_loads_with_device_and_dtype(workspace):
    recommender = loaded(workspace)
    assert (recommender.device.type, recommender.dtype) == ("cpu", torch.float32)
    assert recommender.tokenizer.convert_ids_to_tokens(recommender.yes).endswith("Yes")


def test_adapter_config_lists_sorted_target_modules(workspace):
    layers = json.loads((workspace.root / "adapter/adapter_config.json").read_text())["target_modules"]
    assert layers == sorted(layers) and len(layers) > 1


def test_pickled_base_weights_are_refused(workspace):
    base = workspace.root / "base"
    (base / "model.safetensors").unlink()
    (base / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(ModelError, match="holds the pickle pytorch_model.bin"):
        loaded(workspace)


def test_pickled_adapter_is_refused(workspace):
    (workspace.root / "adapter/adapter_model.safetensors").rename(workspace.root / "adapter/adapter_model.bin")
    with pytest.raises(ModelError, match="only safetensors"):
        loaded(workspace)


def test_adapter_of_another_base_is_refused(workspace):
    other = shutil.copytree(workspace.root / "base", workspace.root / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"rms_norm_eps": 1e-4}))
    with pytest.raises(ModelError, match="made for another base"):
        loaded(workspace, base="other")


def test_remote_code_is_refused(workspace):
    path = workspace.root / "base/config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"custom_generate": "somebody/generate"}))
    with pytest.raises(ModelError, match="custom_generate"):
        loaded(workspace)


def test_hub_id_without_commit_is_refused():
    with pytest.raises(ModelError, match="ID@COMMIT"):
        load("somebody/model", None, Task.CLICK, ANSWERS)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_device_without_cuda_is_refused():
    with pytest.raises(DeviceError, match="no CUDA device"):
        choose_device("cuda")


def test_unknown_gpu_number_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("cuda:1") == (torch.device("cuda:1"), torch.bfloat16)
    with pytest.raises(DeviceError, match="machine has 2: count from 0"):
        choose_device("cuda:2")


@pytest.mark.parametrize(
    ("layers", "offload_device"), [({"model": 0, "lm_head": "disk"}, "disk"), ({"model": "cpu"}, "cpu")]
)
def test_model_larger_than_its_devices_is_refused(workspace, monkeypatch, layers, offload_device):
    """Accelerate would offload the rest, which slows down every step."""
    plain = AutoModelForCausalLM.from_pretrained(workspace.root / "base")
    plain.hf_device_map = layers
    report: dict[str, set[str]] = {"missing_keys": set()}
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", lambda *args, **options: (plain, report))
    with pytest.raises(ModelError, match=f"does not fit on cpu: a part of it would lie on {offload_device}"):
        loaded(workspace)


def test_answers_of_several_tokens_are_refused():
    bytes_only = train_tokenizer(["x"], 258, "q")
    with pytest.raises(ModelError, match="4 and ' No' as 3 tokens"):
        answer_tokens(bytes_only, ANSWERS)


def test_weight_that_a_load_left_out_is_named(workspace, monkeypatch):
    """As when another thread loads a model with transformers meanwhile, which ties no weights while it does."""
    with initialization.no_tie_weights(), pytest.raises(ModelError, match="without its weight lm_head.weight: load it"):
        loaded(workspace)
