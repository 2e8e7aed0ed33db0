"""Base models in GGUF, llama.cpp's file format: converted to a Hugging Face folder with safetensors.

transformers reads the file and computes the weights of its quantised blocks. What it would leave out without a word,
such as other RoPE factors, tensors that it does not know or another way to split texts, is mended or refused here:
the converted model is the one in the file.
"""

import io
import math
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import torch
from tokenizers import pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer, GgufConfig
from transformers.modeling_gguf_pytorch_utils import TensorProcessor, get_gguf_hf_weights_map

from core.errors import ModelError
from core.utils.hashing import sha256_of_file
from core.utils.optional_imports import library
from core.utils.serialization import read_json, write_json

ARCHITECTURES = ("llama", "qwen2", "qwen3", "gemma3")  # Mistral is stored as llama
# Fields of an architecture that transformers reads, or that say the same as others. Any other changes the model.
READ = (
    "context_length", "embedding_length", "block_count", "feed_forward_length", "vocab_size", "tensor_data_layout",
    "attention.head_count", "attention.head_count_kv", "attention.key_length", "attention.value_length",
    "attention.layer_norm_rms_epsilon", "rope.dimension_count", "rope.freq_base",
)  # fmt: skip
ALSO_READ = {"gemma3": "attention.sliding_window"}
NOTHING = (0, "", "none", False)  # values of other fields that change nothing
# Names that llama.cpp gives to the ways in which a byte-level tokenizer splits a text before it merges.
LIKE_GPT2 = ("gpt-2", "phi-2", "mpt", "olmo")
DIGIT_BY_DIGIT = ("smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b")
USER_DEFINED = 4  # type of tokens that are found in a text as a whole, but are not special
ROPE_FACTORS = "rope_freqs.weight"  # divisors of the rotary frequencies
# Llama 3.1 to 3.3 differ in the largest divisor only.
LLAMA3 = {
    "rope_type": "llama3", "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
}  # fmt: skip


def is_gguf(base: str) -> bool:
    """Whether the name of a base model is that of a GGUF file."""
    return Path(base).suffix.lower() == ".gguf" and Path(base).is_file()


def convert_gguf(path: Path, folder: Path) -> str:
    """Convert a base model from GGUF to a folder with configuration, tokenizer and safetensors.

    Matrices keep their 16 or 32 bits; quantised ones become float16.

    Args:
        path: The file.
        folder: Where the folder is written.

    Returns:
        SHA-256 of the file, in hexadecimal digits.

    Raises:
        RunError: The package gguf is not installed.
        ModelError: The file is damaged, or holds a model that cannot be converted without loss.
    """
    gguf = library("gguf", "gguf")
    try:
        reader = gguf.GGUFReader(path)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        tensors = {tensor.name: tensor for tensor in reader.tensors}
    except Exception as error:  # of many kinds, by the place of the damage
        raise ModelError(f"Base model {path} is no GGUF file, or a damaged one ({error}): fetch it again.") from None
    _check_fields(path, fields)
    with redirect_stderr(io.StringIO()):  # transformers' bars and reports
        _convert(path, folder.resolve(), fields, tensors)
    return sha256_of_file(path)


def _check_fields(path: Path, fields: Mapping[str, Any]) -> None:
    """Require an architecture and fields that are read as they are meant."""
    kind = fields.get("general.architecture")
    if kind not in ARCHITECTURES:
        raise ModelError(
            f"Base model {path} is of architecture {kind!r}, and GGUF is read for {', '.join(ARCHITECTURES)}: "
            "name the model's folder of safetensors."
        )
    own = {key.removeprefix(f"{kind}."): value for key, value in fields.items() if key.startswith(f"{kind}.")}
    own_size = own.get("attention.key_length") or own.get("rope.dimension_count")
    read = (*READ, ALSO_READ.get(kind))
    other = next((key for key, value in own.items() if key not in read and value not in NOTHING), None)
    if own.get("rope.dimension_count", own_size) != own_size or own.get("attention.value_length", own_size) != own_size:
        other = "rope.dimension_count"
    if other:
        raise ModelError(
            f"Base model {path} has {kind}.{other} = {str(own[other])[:40]}, which is not read from GGUF: "
            "name the model's folder of safetensors."
        )


def _convert(path: Path, folder: Path, fields: Mapping[str, Any], tensors: Mapping[str, Any]) -> None:
    """Load the model and its tokenizer from the file, and save both."""
    place: dict[str, Any] = {"pretrained_model_name_or_path": path.parent, "gguf_file": path.name}
    try:
        config = AutoConfig.from_pretrained(**place, trust_remote_code=False)
        if size := fields.get(f"{fields['general.architecture']}.attention.key_length"):
            config.head_dim = int(size)
            if hasattr(config, "query_pre_attn_scalar"):  # of Gemma 3, which llama.cpp takes from the size too
                config.query_pre_attn_scalar = int(size)
        whole = GgufConfig(dequantize=True)  # else a kernel may be asked for
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            **place,
            config=config,
            dtype=_dtype(tensors),
            quantization_config=whole,
            output_loading_info=True,
            trust_remote_code=False,
        )
        tokenizer = AutoTokenizer.from_pretrained(**place, trust_remote_code=False)
    except Exception as error:  # transformers states no kinds
        reason = next(iter(str(error).splitlines()), type(error).__name__).rstrip(".")
        raise ModelError(
            f"Base model {path} cannot be converted from GGUF ({reason}): name the model's folder of safetensors."
        ) from None
    _split_as_trained(path, tokenizer, fields.get("tokenizer.ggml.pre"))
    model, found = loaded
    _check_tensors(path, model, set(found["missing_keys"]), tensors)
    if ROPE_FACTORS in tensors:
        model.config.rope_parameters = _rope(path, model.config, tensors[ROPE_FACTORS].data)
    model.hf_quantizer, model.config.quantization_config = None, None  # its weights are plain now
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    config_file = folder / "config.json"  # without its writer's version, one file is one base model on every machine
    write_json(config_file, {k: v for k, v in read_json(config_file).items() if k != "transformers_version"})
    kinds = fields.get("tokenizer.ggml.token_type") or ()
    _mend_tokenizer(folder / "tokenizer.json", fields["tokenizer.ggml.tokens"], kinds)


def _dtype(tensors: Mapping[str, Any]) -> torch.dtype:
    """Data type that keeps the file's matrices."""
    kinds = {tensor.tensor_type.name for tensor in tensors.values() if len(tensor.shape) > 1}
    if "F32" in kinds:
        return torch.float32
    return torch.bfloat16 if kinds == {"BF16"} else torch.float16


def _check_tensors(path: Path, model: Any, missing: set[str], tensors: Mapping[str, Any]) -> None:
    """Require that each weight of the model is in the file, and each tensor of the file in the model."""
    known = get_gguf_hf_weights_map(model, TensorProcessor())  # type: ignore[no-untyped-call]
    unread = sorted(tensors.keys() - known.keys() - {ROPE_FACTORS})
    if missing or unread:
        fault = f"holds no weight {min(missing)}" if missing else f"holds the tensor {unread[0]}, which is not read"
        raise ModelError(
            f"Base model {path} {fault}: fetch the whole model in one file, or name its folder of safetensors."
        )


def _rope(path: Path, config: Any, stored: Any) -> dict[str, Any]:
    """RoPE of Llama 3.1 and later, which llama.cpp stores as divisors of the frequencies.

    Raises:
        ModelError: They are those of another model.
    """
    divisors, theta = torch.as_tensor(stored.copy()), config.rope_parameters["rope_theta"]
    rope = LLAMA3 | {"rope_theta": theta, "factor": float(divisors.max())}
    if not torch.allclose(divisors, _llama3_divisors(rope, 2 * len(divisors)), rtol=1e-3):
        raise ModelError(
            f"Base model {path} has RoPE factors ({ROPE_FACTORS}) other than Llama 3's: "
            "name the model's folder of safetensors."
        )
    return rope


def _llama3_divisors(rope: Mapping[str, Any], size: int) -> torch.Tensor:
    """Divisors of the rotary frequencies, as llama.cpp's converter computes them.

    Args:
        rope: Parameters of Llama 3's RoPE.
        size: Width of a head.
    """
    waves = 2 * math.pi * rope["rope_theta"] ** (torch.arange(0, size, 2) / size)
    low, high = (rope["original_max_position_embeddings"] / rope[f"{end}_freq_factor"] for end in ("low", "high"))
    smooth = (rope["original_max_position_embeddings"] / waves - rope["low_freq_factor"]) / (
        rope["high_freq_factor"] - rope["low_freq_factor"]
    )
    between = 1 / ((1 - smooth) / rope["factor"] + smooth)
    return torch.where(waves < high, 1.0, torch.where(waves > low, rope["factor"], between))


def _split_as_trained(path: Path, tokenizer: Any, pre: str | None) -> None:
    """Split texts as the model's own tokenizer does; transformers splits like GPT-2 whatever it does not know.

    Args:
        path: The GGUF file.
        tokenizer: The tokenizer that transformers made.
        pre: Name of the split in the file.

    Raises:
        ModelError: The split is not known here either.
    """
    backend = tokenizer.backend_tokenizer
    if not isinstance(backend.pre_tokenizer, pre_tokenizers.ByteLevel) or pre in LIKE_GPT2:
        return
    if pre not in DIGIT_BY_DIGIT:
        raise ModelError(
            f"Base model {path} has tokenizer.ggml.pre = {str(pre)[:40]}, which is not read from GGUF: "
            "name the model's folder of safetensors."
        )
    digits = pre_tokenizers.Digits(individual_digits=True)
    backend.pre_tokenizer = pre_tokenizers.Sequence([digits, backend.pre_tokenizer])


def _mend_tokenizer(path: Path, tokens: Sequence[str], kinds: Sequence[int]) -> None:
    """Mend what transformers changes: tokens to be found as a whole get lost, and others are invented at the end.

    Args:
        path: The tokenizer.json that transformers made.
        tokens: All tokens of the GGUF file, by id.
        kinds: Their types.
    """
    content = read_json(path)
    blank = "▁" if content["model"].get("byte_fallback") else " "  # SentencePiece writes blanks so, also in its merges
    whole = {number: tokens[number].replace(" ", blank) for number, kind in enumerate(kinds) if kind == USER_DEFINED}
    vocabulary = content["model"]["vocab"].items()
    content["model"]["vocab"] = {whole.get(number, token): number for token, number in vocabulary}
    known = {one["id"]: one for one in content["added_tokens"] if one["id"] < len(tokens)}
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
    added = {number: {"id": number, "content": token} | flags for number, token in whole.items()} | known
    write_json(path, content | {"added_tokens": [added[number] for number in sorted(added)]})
