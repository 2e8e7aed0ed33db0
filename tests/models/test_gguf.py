"""Base models in GGUF compute what the same weights compute, or are refused in one sentence."""

import hashlib
import sys
from copy import deepcopy

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, __version__
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

from core.errors import ModelError, RunError
from core.models.base_parts import load_tokenizer
from core.models.gguf import convert_gguf
from core.models.validation import check_folder
from core.pipeline.context import load_adapter
from core.pipeline.prepare import prepare
from core.workspace import Workspace, WorkspaceSettings
from tests.circuit.conftest import TRAINED
from tests.conftest import TINY
from tests.models.adapter_folders import make_adapter

pytest.importorskip("gguf")
from tests.models.gguf_files import DATA, LINES, logits, make_base, rounded, write_gguf
from tests.models.llama_cpp_bpe import Bpe

LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip


@pytest.mark.parametrize(
    ("quantization", "dtype"),
    [("F32", torch.float32), ("F16", torch.float16), ("BF16", torch.bfloat16), ("Q8_0", torch.float16)],
)
@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3", "gemma3"])
@pytest.mark.parametrize("tied", [True, False])
def test_a_converted_model_computes_what_its_weights_compute(tmp_path, family, quantization, dtype, tied):
    base = make_base(tmp_path / "base", family, tie_word_embeddings=tied)
    path = write_gguf(base, tmp_path / "model.gguf", quantization)
    assert convert_gguf(path, tmp_path / "converted") == hashlib.sha256(path.read_bytes()).hexdigest()
    check_folder(tmp_path / "converted")
    assert __version__ not in (tmp_path / "converted/config.json").read_text()
    expected = logits(rounded(base, tmp_path / "rounded", quantization, dtype))
    torch.testing.assert_close(logits(tmp_path / "converted"), expected, atol=1e-4, rtol=1e-4)
    assert expected.std() > 0.1
    stored = AutoModelForCausalLM.from_pretrained(tmp_path / "converted")
    assert stored.model.layers[0].mlp.up_proj.weight.dtype is dtype


def test_a_tokenizer_in_the_form_of_gemma_writes_the_same_tokens(tmp_path):
    base = make_base(tmp_path / "base", "gemma3")
    convert_gguf(write_gguf(base, tmp_path / "model.gguf"), tmp_path / "converted")
    own, known = (load_tokenizer(folder) for folder in (tmp_path / "converted", base))
    texts = ["a  b", "a\n\nb", "  ▁▁", "Über ☂", *LINES]
    assert own(texts, add_special_tokens=False)["input_ids"] == known(texts, add_special_tokens=False)["input_ids"]
    blanks, ends = (own.convert_tokens_to_ids(token) for token in ("▁▁", "\n\n"))
    assert blanks in own("a  b")["input_ids"] and ends in own("a\n\nb")["input_ids"] and len(own) == len(known)


def test_the_tokenizer_writes_the_same_tokens(tmp_path):
    base = make_base(tmp_path / "base")
    convert_gguf(write_gguf(base, tmp_path / "model.gguf"), tmp_path / "converted")
    texts = [f'Films.\n"{item.title}": Yes\n"Über 7 – ☂": No' for item in DATA.items]
    own, known = (load_tokenizer(folder) for folder in (tmp_path / "converted", base))
    assert own(texts)["input_ids"] == known(texts)["input_ids"]
    assert own(DATA.items[3].title)["input_ids"] == [len(known) - 1] and len(own) == len(known)


@pytest.mark.parametrize(("split", "tokens"), [("gpt-2", 1), ("smollm", 4)])
def test_texts_are_split_as_the_file_says(tmp_path, split, tokens):
    path = write_gguf(make_base(tmp_path / "base"), tmp_path / "model.gguf", fields={"tokenizer.ggml.pre": split})
    convert_gguf(path, tmp_path / "converted")
    texts = ["1987", "It's 12:30,  ２½ hours\n\t left", "Über 7 – ☂  ", *(item.title for item in DATA.items[:3])]
    found = load_tokenizer(tmp_path / "converted")(texts)["input_ids"]
    assert found == [Bpe(path).encode(text) for text in texts] and len(found[0]) == tokens


@pytest.mark.skipif(not TRAINED.is_dir(), reason="../shared/data/tinystories-260k is not on this machine")
def test_a_trained_model_with_a_sentencepiece_tokenizer_is_the_same(tmp_path):
    convert_gguf(write_gguf(TRAINED, tmp_path / "model.gguf"), tmp_path / "converted")
    texts = ["Once upon a time, there was a film.", '\n"Winter of 7": Yes\n"  Über – ☂": No', "a  b\t</s>"]
    own, known = (load_tokenizer(folder) for folder in (tmp_path / "converted", TRAINED))
    assert own(texts)["input_ids"] == known(texts)["input_ids"]
    torch.testing.assert_close(logits(tmp_path / "converted"), logits(TRAINED), atol=1e-3, rtol=1e-3)


def llama3_divisors(config):
    """Divisors of the frequencies as transformers uses them."""
    plain = deepcopy(config)
    plain.rope_parameters = {"rope_type": "default", "rope_theta": config.rope_parameters["rope_theta"]}
    return (LlamaRotaryEmbedding(plain).inv_freq / LlamaRotaryEmbedding(config).inv_freq).numpy()


def test_rope_of_llama_3_is_kept(tmp_path):
    base = make_base(tmp_path / "base", rope_parameters=LLAMA3)
    config = AutoModelForCausalLM.from_pretrained(base).config
    divisors = llama3_divisors(config)
    assert len({round(float(value), 3) for value in divisors}) > 2
    path = write_gguf(base, tmp_path / "model.gguf", tensors={"rope_freqs.weight": divisors})
    convert_gguf(path, tmp_path / "converted")
    torch.testing.assert_close(logits(tmp_path / "converted"), logits(base))
    other = write_gguf(base, tmp_path / "other.gguf", tensors={"rope_freqs.weight": divisors[::-1].copy()})
    with pytest.raises(ModelError, match="has RoPE factors .* other than Llama 3's: name the model's folder"):
        convert_gguf(other, tmp_path / "again")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fields": {"llama.rope.scaling.type": "yarn"}}, "has llama.rope.scaling.type = yarn, which is not read"),
        ({"fields": {"llama.attention.sliding_window": 7.0}}, "has llama.attention.sliding_window = 7.0, which is"),
        ({"fields": {"tokenizer.ggml.pre": "poro-chat"}}, "has tokenizer.ggml.pre = poro-chat, which is not read"),
        ({"fields": {"llama.rope.dimension_count": 4.0}}, "has llama.rope.dimension_count = "),
        ({"tensors": {"blk.0.attn_q.bias": np.ones(32, np.float32)}}, "holds the tensor blk.0.attn_q.bias, which is"),
        (
            {"without": "blk.1.ffn_up.weight"},
            "holds no weight model.layers.1.mlp.up_proj.weight: fetch the whole model",
        ),
    ],
)
def test_what_would_be_left_out_is_refused(tmp_path, options, words):
    base = make_base(tmp_path / "base")
    with pytest.raises(ModelError, match=words) as refused:
        convert_gguf(write_gguf(base, tmp_path / "model.gguf", **options), tmp_path / "converted")
    assert str(refused.value).endswith(".") and "\n" not in str(refused.value)
    assert not (tmp_path / "converted").exists()


def test_fields_that_change_nothing_are_taken(tmp_path):
    base = make_base(tmp_path / "base")
    fields = {"llama.rope.scaling.type": "none", "llama.expert_count": 0.0, "general.name": "Anything"}
    convert_gguf(write_gguf(base, tmp_path / "model.gguf", fields=fields), tmp_path / "converted")
    torch.testing.assert_close(logits(tmp_path / "converted"), logits(base))


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_damaged_file_is_one_sentence(tmp_path, share):
    path = write_gguf(make_base(tmp_path / "base"), tmp_path / "model.gguf")
    content = path.read_bytes()
    path.write_bytes(content[: round(len(content) * share)])
    with pytest.raises(ModelError, match="is no GGUF file, or a damaged one .*: fetch it again") as refused:
        convert_gguf(path, tmp_path / "converted")
    assert "\n" not in str(refused.value)


def test_an_unknown_architecture_is_one_sentence(tmp_path):
    path = write_gguf(make_base(tmp_path / "base"), tmp_path / "model.gguf")
    path.write_bytes(path.read_bytes().replace(b"llama", b"mamba"))
    with pytest.raises(ModelError, match="is of architecture 'mamba', and GGUF is read for llama, qwen2, qwen3"):
        convert_gguf(path, tmp_path / "converted")


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    path = write_gguf(make_base(tmp_path / "base"), tmp_path / "model.gguf")
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(RunError, match="gguf is not installed: pip install 'cure-lens\\[gguf\\]'"):
        convert_gguf(path, tmp_path / "converted")


@pytest.mark.parametrize("given", [True, False])
def test_prepare_takes_a_gguf_into_the_workspace(tmp_path, given):
    base = make_base(tmp_path / "base")
    path = write_gguf(base, tmp_path / "model.gguf", "F16")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    adapter = make_adapter(base, tmp_path / "adapter") if given else None
    settings = WorkspaceSettings("ws", "test", base=str(path), window=8, epochs=1, rank=2, base_note="model.gguf")
    made = prepare(DATA, tmp_path / "ws", settings, TINY, lambda name, step: name == "base model", adapter)
    path.unlink()
    assert made.settings.base_note == f"model.gguf (GGUF, SHA-256 {digest})"
    assert made.user_split.base_users == ()
    loaded = load_adapter(Workspace(made.root), str(made.adapter), "cpu")
    expected = AutoModelForCausalLM.from_pretrained(base)
    with loaded.model.disable_adapter():
        ids = torch.arange(30)[None]
        torch.testing.assert_close(loaded.model(ids).logits, expected(ids).logits, atol=1e-2, rtol=1e-2)


def test_prepare_leaves_nothing_of_a_refused_gguf(tmp_path):
    path = write_gguf(make_base(tmp_path / "base", max_position_embeddings=128), tmp_path / "model.gguf")
    settings = WorkspaceSettings("ws", "test", base=str(path), window=20)
    with pytest.raises(ModelError, match="model.gguf is 128"):
        prepare(DATA, tmp_path / "ws", settings, TINY, lambda *_: pytest.fail("trained"))
    assert {one.name for one in tmp_path.iterdir()} == {"base", "model.gguf"}
