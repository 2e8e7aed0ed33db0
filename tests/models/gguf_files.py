"""Small GGUF files, written tensor by tensor as llama.cpp's converter does it."""

import json
import shutil
from copy import deepcopy
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from tests.circuit.conftest import CONFIGS
from tests.conftest import small_dataset

DATA = small_dataset(users=16)
ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
    "gemma3": gguf.MODEL_ARCH.GEMMA3,
}
SPECIAL = (  # tokens of Gemma, and of Llama
    {"unk": "<unk>", "bos": "<bos>", "eos": "<eos>"},
    {"unk": "<unk>", "bos": "<s>", "eos": "</s>"},
)
LINES = [f'\n"{item.title}": {answer}' for item in DATA.items for answer in ("Yes", "No")]
LINES += [f"{year}" for year in range(1980, 2000)]


def _byte_level() -> PreTrainedTokenizerFast:
    """A tokenizer in the form of GPT-2, one of whose tokens is a whole title."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<pad>"], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.add_tokens([AddedToken(DATA.items[3].title, normalized=False)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>")


def _sentencepiece() -> PreTrainedTokenizerFast:
    """A tokenizer in the form of Gemma, with line ends and blanks that are found as a whole."""
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    first = [*special, "\n\n", "▁▁", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer.train_from_iterator(
        [*LINES, "a  b"], trainers.BpeTrainer(vocab_size=600, special_tokens=first, show_progress=False)
    )
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = [one | {"special": one["content"] in special} for one in content["added_tokens"][:7]]
    content["model"]["merges"].insert(0, ["▁", "▁"])
    made = Tokenizer.from_str(json.dumps(content))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>"
    )


def make_base(folder, family="llama", **values):
    """A random base model with a small tokenizer."""
    fast = _sentencepiece() if family == "gemma3" else _byte_level()
    config = deepcopy(CONFIGS[family])
    known = {"vocab_size": len(fast), "intermediate_size": 64, "max_position_embeddings": 512, "attention_bias": False}
    for key, value in (known | values).items():
        setattr(config, key, value)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config)
    for weight in model.parameters():
        weight.data += torch.randn_like(weight) * 0.1
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def write_gguf(base: Path, path: Path, quantization: str = "F32", fields=(), tensors=(), without: str = "") -> Path:
    """Write a base model with its tokenizer as GGUF.

    Args:
        base: Folder of the base model: Llama, Qwen 2, Qwen 3 or Gemma 3.
        path: The file.
        quantization: Type of all matrices, such as F16 or Q8_0; vectors stay float32.
        fields: More fields of the file, texts or numbers, by name.
        tensors: More tensors, by name.
        without: Name of a tensor that is left out.
    """
    config = json.loads((base / "config.json").read_text())
    kind = config["model_type"].removesuffix("_text")
    writer = gguf.GGUFWriter(path, kind)
    _write_config(writer, config)
    _write_tokenizer(writer, json.loads((base / "tokenizer.json").read_text()))
    for key, value in dict(fields).items():
        (writer.add_string if isinstance(value, str) else writer.add_float32)(key, value)
    names = gguf.get_tensor_name_map(ARCHITECTURES[kind], config["num_hidden_layers"])
    for name, weight in load_file(base / "model.safetensors").items():
        values, new = weight.float().numpy(), names.get_name(name, try_suffixes=(".weight", ".bias"))
        if kind == "llama" and name.split(".")[-2] in ("q_proj", "k_proj"):
            heads = config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
            values = _interleaved(values, heads)
        if kind == "gemma3" and "norm" in name:
            values = values + 1  # Gemma's own form is 1 + weight
        stored = gguf.GGMLQuantizationType[quantization if values.ndim == 2 else "F32"]
        if new != without:
            writer.add_tensor(new, gguf.quantize(values, stored), raw_dtype=stored)
    for name, values in dict(tensors).items():
        writer.add_tensor(name, values)
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    return path


def rounded(base: Path, folder: Path, quantization: str, dtype: torch.dtype) -> Path:
    """The same base model with matrices as the quantization keeps them."""
    shutil.copytree(base, folder)
    kind, weights = gguf.GGMLQuantizationType[quantization], load_file(base / "model.safetensors")
    for name, weight in weights.items():
        if weight.ndim == 2:
            weights[name] = torch.from_numpy(gguf.dequantize(gguf.quantize(weight.numpy(), kind), kind).copy())
    save_file(
        {name: value.to(dtype) for name, value in weights.items()}, folder / "model.safetensors", {"format": "pt"}
    )
    return folder


def logits(folder: Path) -> torch.Tensor:
    """What the model in a folder answers to its first 60 tokens."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    return model(torch.arange(60)[None]).logits


def _write_config(writer: gguf.GGUFWriter, config: dict) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_rope_dimension_count(size)
    rope = config["rope_parameters"]
    writer.add_rope_freq_base(rope.get("full_attention", rope)["rope_theta"])
    if "full_attention" in rope:
        writer.add_sliding_window(config["sliding_window"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict) -> None:
    tokens = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].__getitem__)
    added = [token["content"] for token in tokenizer["added_tokens"] if token["content"] not in tokens]
    kinds = [_kind(token, tokenizer) for token in tokens] + [gguf.TokenType.USER_DEFINED] * len(added)
    whole = [
        token.replace("▁", " ") if kind == gguf.TokenType.USER_DEFINED else token
        for token, kind in zip(tokens, kinds, strict=False)
    ]
    writer.add_token_list(whole + added)
    writer.add_token_types(kinds)
    if tokenizer["model"]["byte_fallback"]:  # SentencePiece, in which an earlier token has the higher score
        writer.add_tokenizer_model("llama")
        writer.add_token_scores([-float(number) for number in range(len(tokens))])
        for name, token in SPECIAL["<s>" in tokens].items():
            getattr(writer, f"add_{name}_token_id")(tokens.index(token))
    else:
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_merges([" ".join(merge) for merge in tokenizer["model"]["merges"]])
        writer.add_pad_token_id(0)


def _kind(token: str, tokenizer: dict) -> gguf.TokenType:
    if token == tokenizer["model"]["unk_token"]:
        return gguf.TokenType.UNKNOWN
    for one in tokenizer["added_tokens"]:
        if one["content"] == token:
            return gguf.TokenType.CONTROL if one["special"] else gguf.TokenType.USER_DEFINED
    return gguf.TokenType.BYTE if token.startswith("<0x") else gguf.TokenType.NORMAL


def _interleaved(values: np.ndarray, heads: int) -> np.ndarray:
    """Rows of queries or keys in the order of llama.cpp, which rotates neighbours instead of halves."""
    return values.reshape(heads, 2, -1, *values.shape[1:]).swapaxes(1, 2).reshape(values.shape)
