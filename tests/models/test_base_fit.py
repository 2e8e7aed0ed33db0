"""A configuration that names other weights than a base model's files hold is refused before any work."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from core.errors import ModelError
from core.models.validation import check_folder
from tests.circuit.conftest import CONFIGS, random_model
from tests.models.adapter_folders import change_config

RESTORE = "so restore the files of the model."


def make(folder: Path, family: str, **saving) -> Path:
    random_model(family).save_pretrained(folder, **saving)
    return folder


@pytest.fixture(scope="module")
def known(tmp_path_factory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("bases")
    return {family: make(root / family, family) for family in CONFIGS}


@pytest.fixture
def llama(tmp_path) -> Path:
    return make(tmp_path / "llama", "llama")


def refusal(base: Path) -> str:
    with pytest.raises(ModelError) as refused:
        check_folder(base)
    text = str(refused.value)
    assert text.startswith(f"Base model {base} ") and text.endswith(".") and "\n" not in text
    return text


def change(base: Path, how) -> None:
    """Replace the weights in a folder by what `how` makes of them."""
    path = base / "model.safetensors"
    save_file({name: weight.contiguous() for name, weight in how(load_file(path)).items()}, path, {"format": "pt"})


@pytest.mark.parametrize("family", CONFIGS)
def test_models_as_saved_are_taken(known, family):
    check_folder(known[family])


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("size", ["hidden_size", "vocab_size", "num_hidden_layers"])
@pytest.mark.parametrize("change_by", [-1, 1])
def test_each_wrong_size_is_named(known, family, size, change_by):
    """The second way: real loading of the same folder reports weights that are absent or have no place."""
    path = known[family] / "config.json"
    before = path.read_text()
    spelt = CONFIGS[family].attribute_map.get(size, size)
    factor = 8 if size == "hidden_size" else 1  # heads divide it
    wrong = getattr(CONFIGS[family], size) + change_by * factor
    content = json.loads(before)
    if size == "num_hidden_layers" and content.get("layer_types"):
        content["layer_types"] = (content["layer_types"] * 2)[:wrong]
    try:
        path.write_text(json.dumps(content | {spelt: wrong}))
        text = refusal(known[family])
        _, real = AutoModelForCausalLM.from_pretrained(
            known[family], ignore_mismatched_sizes=True, output_loading_info=True
        )
    finally:
        path.write_text(before)
    assert f"{spelt} = {wrong}" in text and text.endswith(RESTORE)
    assert any(real[kind] for kind in ("missing_keys", "mismatched_keys", "unexpected_keys"))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"hidden_size": 0}, "has hidden_size = 0 in config.json: restore the file, which says a whole number from 1"),
        ({"num_attention_heads": 0}, "has num_attention_heads = 0 in config.json"),
        ({"intermediate_size": -1}, "has intermediate_size = -1 in config.json"),
        ({"vocab_size": 10**19}, "has vocab_size = 10000000000000000000 in config.json"),
        ({"num_hidden_layers": 10**9}, "has num_hidden_layers = 1000000000 in config.json and 29 weights"),
        ({"num_key_value_heads": 4}, "(num_attention_heads = 4, num_key_value_heads = 4, head_dim = 8): weight model."),
        ({"attention_bias": False}, "attention_bias = False"),
        ({"mlp_bias": True}, "mlp_bias = True): its files hold no weight model.layers.0.mlp.down_proj.bias"),
    ],
)
def test_values_that_no_weights_fit_are_named(llama, values, sentence):
    change_config(llama, "config.json", **values)
    assert sentence in refusal(llama)


def test_a_type_that_transformers_derives_is_named(tmp_path):
    """transformers takes a Mistral with types of layers for a Ministral, which no row of FAMILIES describes."""
    base = make(tmp_path / "mistral", "mistral")
    change_config(base, "config.json", layer_types=["full_attention", "sliding_attention"])
    assert "is of type 'ministral': use one of llama, mistral, " in refusal(base)


def test_only_the_sentence_is_told(llama):
    """transformers reports each weight on the terminal, and draws a bar; in a process that loads nothing else."""
    change_config(llama, "config.json", hidden_size=64)
    code = (
        "import pathlib, sys; from core.models.validation import check_folder; from core.errors import ModelError\n"
        "try: check_folder(pathlib.Path(sys.argv[1]))\nexcept ModelError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, llama], capture_output=True, text=True, check=True)
    assert done.stderr == "" and done.stdout.startswith(f"Base model {llama} ") and done.stdout.count("\n") == 1


def test_a_size_in_the_spelling_of_the_family_is_named(tmp_path):
    base = make(tmp_path / "gpt2", "gpt2")
    change_config(base, "config.json", n_embd=0)
    assert "has n_embd = 0 in config.json" in refusal(base)


def test_an_absent_head_is_refused_unless_it_is_tied(llama):
    change(llama, lambda weights: {name: weight for name, weight in weights.items() if name != "lm_head.weight"})
    assert "(tie_word_embeddings = False): its files hold no weight lm_head.weight" in refusal(llama)
    change_config(llama, "config.json", tie_word_embeddings=True)
    check_folder(llama)


def test_a_tied_head_of_another_shape_is_refused(llama):
    change_config(llama, "config.json", tie_word_embeddings=True)
    change(llama, lambda weights: weights | {"lm_head.weight": torch.ones(7, 32)})
    assert "weight lm_head.weight is 7 x 32 in its files, and 512 x 32 by config.json" in refusal(llama)


def test_each_absent_weight_is_refused(llama):
    weights = load_file(llama / "model.safetensors")
    for name in weights:
        change(llama, lambda _, left=name: {one: weight for one, weight in weights.items() if one != left})
        assert name in refusal(llama)


def test_names_without_the_prefix_are_taken(tmp_path):
    """As the official GPT-2 has them, with the masks that it stores."""
    base = make(tmp_path / "gpt2", "gpt2")
    mask = {"h.0.attn.bias": torch.ones(1, 1, 128, 128), "h.0.attn.masked_bias": torch.tensor(-1e4)}
    change(base, lambda weights: {name.removeprefix("transformer."): one for name, one in weights.items()} | mask)
    check_folder(base)


def test_masks_of_older_versions_are_taken(tmp_path):
    """As the official Pythia models store them."""
    base, place = make(tmp_path / "neox", "neox"), "gpt_neox.layers.0.attention."
    stored = {"bias": torch.ones(1, 1, 128, 128).bool(), "masked_bias": torch.tensor(-1e9)}
    stored |= {"rotary_emb.inv_freq": torch.ones(4)}
    change(base, lambda weights: weights | {place + name: value for name, value in stored.items()})
    check_folder(base)


@pytest.mark.parametrize(
    ("family", "extra"),
    [
        ("llama", {"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(4)}),  # Llama 2
        ("qwen3", {"lm_head.weight": torch.ones(512, 32)}),  # Qwen 3 0.6B, tied and stored
        ("gpt2", {"lm_head.weight": torch.ones(512, 32), "transformer.h.0.attn.bias": torch.ones(1, 1, 128, 128)}),
        ("llama", {"v_head.summary.weight": torch.ones(1, 32)}),  # of models tuned with TRL
    ],
)
def test_weights_that_official_models_add_are_taken(tmp_path, family, extra):
    base = make(tmp_path / family, family)
    if family == "qwen3":
        change_config(base, "config.json", tie_word_embeddings=True)
    change(base, lambda weights: weights | extra)
    check_folder(base)


def test_an_index_of_pickles_beside_is_not_read(tmp_path):
    """As the official Mistral 7B, Llama 2 and Pythia have it; the hub's JSON files are all downloaded."""
    base = make(tmp_path / "parts", "mistral", max_shard_size="20KB")
    pickles = {"weight_map": {"lm_head.weight": "pytorch_model-00001-of-00002.bin"}}
    (base / "pytorch_model.bin.index.json").write_text(json.dumps(pickles))
    check_folder(base)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({}, "has no weight_map in model.safetensors.index.json"),
        ({"weight_map": ["lm_head.weight"]}, "has no weight_map in model.safetensors.index.json"),
        ({"weight_map": {"lm_head.weight": 3}}, "names '3' in model.safetensors.index.json"),
        ({"weight_map": {"lm_head.weight": ["a.safetensors"]}}, "list safetensors of this folder only"),
    ],
)
def test_an_index_that_names_no_files_is_refused(tmp_path, content, sentence):
    base = make(tmp_path / "parts", "llama", max_shard_size="20KB")
    (base / "model.safetensors.index.json").write_text(json.dumps(content))
    assert sentence in refusal(base)


def test_parts_by_an_index_are_read_together(tmp_path):
    base = make(tmp_path / "parts", "llama", max_shard_size="20KB")
    parts = sorted(base.glob("model-*.safetensors"))
    assert len(parts) > 1
    check_folder(base)
    parts[-1].unlink()
    assert f"names {parts[-1].name} in model.safetensors.index.json, and has no such file: restore it" in refusal(base)
    (base / "model.safetensors.index.json").unlink()
    assert "has no model.safetensors and no model.safetensors.index.json" in refusal(base)


def test_an_index_without_a_part_of_the_weights_is_refused(tmp_path):
    base = make(tmp_path / "parts", "llama", max_shard_size="20KB")
    index = base / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    gone = max(content["weight_map"].values())
    content["weight_map"] = {name: part for name, part in content["weight_map"].items() if part != gone}
    index.write_text(json.dumps(content))
    assert "its files hold no weight" in refusal(base)


def test_no_weight_is_read(llama):
    """A file of 4 TB on paper: its header alone is real, and so is a model that no machine here could hold."""
    config = {"vocab_size": 2**28, "hidden_size": 2**12, "intermediate_size": 48, "num_hidden_layers": 1}
    change_config(llama, "config.json", **config, head_dim=8)
    shapes = {"model.embed_tokens.weight": (2**28, 2**12)}
    header = json.dumps(
        {
            name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 4 * shape[0] * shape[1]]}
            for name, shape in shapes.items()
        }
    ).encode()
    with (llama / "model.safetensors").open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + 2**42)  # sparse
    assert "its files hold no weight lm_head.weight" in refusal(llama)


def test_checks_side_by_side_do_not_disturb_a_load(llama):
    """Pages check and load in threads; a load that another thread disturbs has a head of random numbers."""
    change_config(llama, "config.json", tie_word_embeddings=True)
    change(llama, lambda weights: {name: one for name, one in weights.items() if name != "lm_head.weight"})
    with ThreadPoolExecutor(4) as threads:
        checks = [threads.submit(check_folder, llama) for _ in range(40)]
        loaded = [AutoModelForCausalLM.from_pretrained(llama, output_loading_info=True) for _ in range(10)]
        for check in checks:
            check.result()
    assert not any(report["missing_keys"] for _, report in loaded)
