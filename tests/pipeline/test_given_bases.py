"""Base models that load and compute nonsense: refused before anything is trained."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from core.errors import ModelError
from core.pipeline.prepare import SEPARATORS, prepare
from core.workspace import WorkspaceSettings
from tests.conftest import CONFIGS, TINY, small_dataset
from tests.models.adapter_folders import change_config, make_adapter, make_whole_base

DATA = small_dataset(users=16)
SETTINGS = WorkspaceSettings("given", "test", window=10, epochs=1, rank=2)
FIRST_MLP = "layers.0.mlp.up_proj.weight"


@pytest.fixture
def base(tmp_path) -> Path:
    make_whole_base(tmp_path / "base", CONFIGS["llama"](), DATA)
    change_config(tmp_path / "base", "config.json", max_position_embeddings=512)
    return tmp_path / "base"


def change(base: Path, weights) -> None:
    path = base / "model.safetensors"
    save_file({name: one.contiguous() for name, one in weights(load_file(path)).items()}, path, {"format": "pt"})


def refusal(base: Path, adapter: Path | None = None) -> str:
    """The sentence with which `prepare` refuses, before it trains or leaves anything."""
    folder = base.parent / "ws"
    with pytest.raises(ModelError) as refused:
        prepare(DATA, folder, replace(SETTINGS, base=str(base)), TINY, lambda *_: pytest.fail("trained"), adapter)
    assert not folder.exists() and list(base.parent.glob("*ws*")) == []
    text = str(refused.value)
    assert str(base) in text and text.endswith(".") and "\n" not in text
    return text


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn, torch.uint8])
def test_weights_that_need_scales_are_refused(base, dtype):
    change(base, lambda weights: {name: one.to(dtype) for name, one in weights.items()})
    assert "give the model in F64, F32, F16, BF16" in refusal(base)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("with_adapter", [False, True])
def test_weights_that_are_no_numbers_are_refused(base, value, with_adapter):
    adapter = make_adapter(base, base.parent / "adapter") if with_adapter else None

    def spoil(weights):
        next(one for name, one in weights.items() if name.endswith(FIRST_MLP))[0, 0] = value
        return weights

    change(base, spoil)
    assert f"not a finite number, in model.{FIRST_MLP}: restore" in refusal(base, adapter)


def test_half_precision_is_taken(base, tmp_path):
    change(base, lambda weights: {name: one.half() for name, one in weights.items()})
    prepare(DATA, tmp_path / "ws", replace(SETTINGS, base=str(base)), TINY, lambda *_: False)


def test_a_configuration_that_computes_no_numbers_is_refused(base):
    change_config(base, "config.json", rope_parameters={"rope_type": "linear", "factor": 0, "rope_theta": 10000.0})
    assert "answers a prompt with NaN or infinite values: compare its config.json" in refusal(base)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(base):
    def cut(weights):
        tables = ("model.embed_tokens.weight", "lm_head.weight")
        return {name: one[:100] if name in tables else one for name, one in weights.items()}

    change(base, cut)
    change_config(base, "config.json", vocab_size=100)
    assert "embeddings of 100 tokens, and its tokenizer writes token" in refusal(base)


def test_a_tokenizer_that_knows_no_title_is_refused(base):
    known = {"?": 0, " Yes": 1, " No": 2, '"': 3, '":': 4}
    words = Tokenizer(models.WordLevel(known, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Split(Regex(SEPARATORS), "isolated")
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(base)
    text = refusal(base)
    assert f"{len(DATA.items)} of {len(DATA.items)} titles like another one, such as" in text
