"""Parts of a base model that need no weights: configuration, tokenizer, names and shapes. No remote code is run."""

from pathlib import Path
from typing import Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, AutoTokenizer
from transformers.utils import logging

from core.data.prompts import tokenize
from core.errors import ModelError

logging.disable_progress_bar()  # type: ignore[no-untyped-call] # its bars would break up this program's own

# Implementations of attention that need no kernel from the hub. Others, such as flash_attention_2, need a library.
PORTABLE = ("eager", "sdpa", None)


def load_config(folder: Path) -> Any:
    """Configuration of a base model, with an implementation of attention that every machine has.

    Args:
        folder: Folder of the base model, of a type that transformers knows.

    Raises:
        ModelError: A value cannot be used.
    """
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    except Exception as error:  # each configuration class checks its values in its own way
        raise unusable(folder, error) from None
    if config._attn_implementation not in PORTABLE:
        config._attn_implementation = None  # transformers chooses one
    return config


def weightless_model(config: Any) -> Any:
    """The causal LM of a configuration on torch's device meta: names and shapes, without memory for weights.

    `from_config` and `from_pretrained` change torch and transformers for all threads while they work; this does not.

    Args:
        config: Configuration of a type of FAMILIES.
    """
    kind: Any = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    with torch.device("meta"):
        return kind(config)


def load_tokenizer(folder: Path) -> Any:
    """Tokenizer of a base model.

    Args:
        folder: Folder of the base model.

    Raises:
        ModelError: There is none, it is damaged, or it cannot tell which characters a token stands for.
    """
    mend = "add the tokenizer.json of the model, or save it with transformers' fast tokenizer."
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        if tokenizer.is_fast:
            tokenize(["a"], tokenizer)  # some values are used only now, such as the longest text
    except Exception as error:  # the library tokenizers raises Exception itself
        raise ModelError(
            f"Base model {folder} has no tokenizer that can be loaded ({first_line(error)}): {mend}"
        ) from None
    if not tokenizer.is_fast:
        raise ModelError(f"Base model {folder} has a tokenizer without positions of characters: {mend}")
    return tokenizer


def unusable(folder: Path, error: Exception) -> ModelError:
    """The error for a configuration with which no model can be built, and why."""
    return ModelError(
        f"Base model {folder} has a config.json that cannot be used ({first_line(error)}): restore the file."
    )


def first_line(error: Exception) -> str:
    """The first line of an error's message, or its kind where it has none."""
    return next((line.strip().rstrip(".:") for line in str(error).splitlines() if line.strip()), type(error).__name__)
