"""A base model from scratch, for use without a pretrained one: a tokenizer and a small random Llama."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


def train_tokenizer(
    texts: Iterable[str], vocabulary: int, separators: str, whole: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """Train a byte-level BPE tokenizer whose merges may cross spaces.

    Args:
        texts: Training texts.
        vocabulary: Number of tokens, without those of `whole`.
        separators: Regular expression of texts that stay separate tokens, e.g. the answers and the quotes.
        whole: Texts that become one token each, e.g. well-known titles: prompts become shorter, and the model stores
            its knowledge of a title at a single embedding.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(separators), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<pad>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in whole])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call] # transformers does not annotate it
        tokenizer_object=tokenizer, pad_token="<pad>", padding_side="left"
    )


def small_llama(vocabulary: int, width: int, layers: int, heads: int, kv_heads: int, seed: int) -> LlamaForCausalLM:
    """A random Llama with tied embeddings in float32.

    Args:
        vocabulary: Number of tokens.
        width: Width of the residual stream.
        layers: Number of decoder layers.
        heads: Query heads per layer.
        kv_heads: Key/value heads per layer.
        seed: Of the random weights.
    """
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 8 * 8,
        initializer_range=width**-0.5,  # the default 0.02 suits wide models and makes narrow ones train unstably
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config)


def save_base(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a Hugging Face folder: configuration, tokenizer, and weights as bfloat16 safetensors (half the size)."""
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
