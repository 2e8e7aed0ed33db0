"""The adapter on disk is the one in memory: checked when it is saved, and when it is loaded."""

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file

from core.errors import ModelError, WorkspaceError
from core.models.recommender import load
from core.models.saved_adapter import save_adapter
from core.types import Task
from core.workspace.run_layout import WEIGHTS
from tests.conftest import random_lora
from tests.models.adapter_folders import change_config, change_weights, make_adapter
from tests.models.test_adapter_fit import DEMO_BASE, EMBEDDING, empty, half, of_another_prefix


def with_embeddings(adapter):
    change_weights(adapter, lambda weights: weights | {EMBEDDING: load_file(DEMO_BASE / "model.safetensors")[STORED]})


STORED = EMBEDDING.removeprefix("base_model.model.")


@pytest.mark.parametrize("fault", [empty, half, of_another_prefix, with_embeddings])
def test_weights_that_peft_would_lose_are_refused(tmp_path, fault):
    adapter = make_adapter(DEMO_BASE, tmp_path / "adapter")
    load(str(DEMO_BASE), str(adapter), Task.CLICK, (" Yes", " No"), "cpu")
    fault(adapter)
    with pytest.raises(ModelError, match="does not store the weights that its configuration names, for example"):
        load(str(DEMO_BASE), str(adapter), Task.CLICK, (" Yes", " No"), "cpu")


def other_weights(folder):
    stored = load_file(folder / WEIGHTS)
    name = next(iter(stored))
    save_file(stored | {name: stored[name] * 2}, folder / WEIGHTS)


def fewer_weights(folder):
    save_file(dict(list(load_file(folder / WEIGHTS).items())[1:]), folder / WEIGHTS)


def another_scale(folder):
    change_config(folder, lora_alpha=1)


@pytest.mark.parametrize("fault", [other_weights, fewer_weights, another_scale])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_saved_adapter_that_differs_is_refused_and_leaves_nothing(tmp_path, monkeypatch, fault, dtype):
    model, write = random_lora("llama"), PeftModel.save_pretrained
    save_adapter(model, tmp_path / "whole", dtype)

    def faulty(self, folder, **options):
        write(self, folder, **options)
        fault(tmp_path / folder)

    monkeypatch.setattr(PeftModel, "save_pretrained", faulty)
    with pytest.raises(WorkspaceError, match="is not the one in memory, for example in"):
        save_adapter(model, tmp_path / "faulty", dtype)
    assert {path.name for path in tmp_path.iterdir()} == {"whole"}
    assert {weight.dtype for weight in load_file(tmp_path / "whole" / WEIGHTS).values()} == {getattr(torch, dtype)}
