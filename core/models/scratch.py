"""A base model from scratch, where no pretrained one can be had: tokenizer and a small random Llama."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


def train_tokenizer(
    texts: Iterable[str], vocabulary: int, separators: str, whole: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """Byte-level BPE of `vocabulary` tokens whose merges may cross spaces, and one token for each text of `whole`.

    separators: regular expression of what must stay a token border, e.g. the answers and the quotes. whole:
    well-known titles; as single tokens they make prompts short, and what is known of a film has one place.
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
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", padding_side="left")


def small_llama(vocabulary: int, width: int, layers: int, heads: int, kv_heads: int, seed: int) -> LlamaForCausalLM:
    """A random Llama with tied embeddings, float32."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=width,
        intermediate_size=width * 8 // 3 // 8 * 8,
        initializer_range=width**-0.5,  # the usual 0.02 is for wide models: here it makes training jump
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
    """Write a Hugging Face folder: weights as bfloat16 safetensors (half the bytes), config, tokenizer."""
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
