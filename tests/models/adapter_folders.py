"""Small base models and LoRA adapters as folders, for tests of what people bring."""

import json
from copy import deepcopy
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, PretrainedConfig

from core.data.readers import Dataset
from core.data.templates import FILMS, read_template
from core.pipeline.prepare import Scratch, base_tokenizer
from core.types import Task
from tests.conftest import CONFIGS

WORDS = read_template(FILMS, Task.CLICK)
CASES = Path(__file__).parents[3] / "shared/data/cases"


def make_base(folder: Path, family: str = "llama", seed: int = 0, **sizes) -> Path:
    """A random base model without a tokenizer."""
    torch.manual_seed(seed)
    config = CONFIGS[family]()
    for key, value in sizes.items():
        setattr(config, key, value)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def make_whole_base(folder: Path, config: PretrainedConfig, data: Dataset) -> Path:
    """A random base model of a configuration, with a tokenizer for the titles of the data."""
    tokenizer = base_tokenizer(data.items, data.interactions, WORDS, Scratch(vocabulary=400))
    config = deepcopy(config)
    config.vocab_size = len(tokenizer)
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_adapter(base: Path, folder: Path, seed: int = 0, embeddings: bool = False, **options) -> Path:
    """A random LoRA adapter of the base model, as PEFT saves it."""
    torch.manual_seed(seed)
    known = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", "task_type": "CAUSAL_LM"}
    config = LoraConfig(**known | {"init_lora_weights": False} | options)
    model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    model.save_pretrained(folder, save_embedding_layers=embeddings)
    change_config(folder, init_lora_weights=True)
    return folder


def change_config(folder: Path, name: str = "adapter_config.json", **values) -> None:
    path = folder / name
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps(known | values), encoding="utf-8")


def change_weights(folder: Path, change) -> None:
    """Replace an adapter's weights by what `change` makes of them, a dictionary of tensors."""
    path = folder / "adapter_model.safetensors"
    save_file({name: weight.contiguous() for name, weight in change(load_file(path)).items()}, path)
