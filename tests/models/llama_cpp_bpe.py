"""Tokens of a text by a GGUF file's own vocabulary and merges: a second way, after llama.cpp's llama-vocab.cpp."""

from itertools import pairwise
from pathlib import Path

import gguf
import regex
from transformers.convert_slow_tokenizer import bytes_to_unicode

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)"
SPLITS = {"gpt-2": (GPT2,), "smollm": (r"\p{N}", GPT2)}


class Bpe:
    """The byte-level tokenizer of a GGUF file, without special tokens."""

    def __init__(self, path: Path) -> None:
        fields = {name: field.contents() for name, field in gguf.GGUFReader(path).fields.items()}
        self.patterns = SPLITS[fields["tokenizer.ggml.pre"]]
        self.ids = {token: number for number, token in enumerate(fields["tokenizer.ggml.tokens"])}
        self.ranks = {tuple(pair.split(" ")): rank for rank, pair in enumerate(fields["tokenizer.ggml.merges"])}
        self.letters = bytes_to_unicode()

    def encode(self, text: str) -> list[int]:
        pieces = [text]
        for pattern in self.patterns:
            pieces = [part for piece in pieces for part in _split(pattern, piece)]
        return [self.ids[token] for piece in pieces for token in self._merged(piece)]

    def _merged(self, piece: str) -> list[str]:
        """Join the pair that was learned first, until no pair is left."""
        tokens = [self.letters[byte] for byte in piece.encode()]
        while True:
            pairs = [self.ranks.get(pair, len(self.ranks)) for pair in pairwise(tokens)]
            if not pairs or min(pairs) == len(self.ranks):
                return tokens
            at = pairs.index(min(pairs))
            tokens[at : at + 2] = [tokens[at] + tokens[at + 1]]


def _split(pattern: str, text: str) -> list[str]:
    """What the pattern finds, and what lies between."""
    return [part for part in regex.split(f"({pattern})", text) if part]
