"""Circuit analysis of a plain Hugging Face model from pairs of token sequences; needs no workspace.

A pair is one prompt in two versions of equal length, and two tokens: the one that should come next and a wrong one.
The metric is the logit difference M = logit[right] - logit[wrong] at the last position (docs/method.md, section 1).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from torch import nn

from core.circuit import attribution, extraction
from core.circuit.attribution import Attribution
from core.circuit.extraction import ExtractedCircuit, ExtractionSettings
from core.circuit.prompt_pairs import PromptPair
from core.errors import RunError

# (clean token ids, corrupted token ids, right token id, wrong token id)
Pair = tuple[Sequence[int], Sequence[int], int, int]
STRATEGY = "pair"  # how the corrupted prompt came about, in `Circuit.pairs_by_strategy`


def attribute(
    model: nn.Module,
    pairs: Sequence[Pair],
    *,
    steps: int = 5,
    rule: str = "midpoint",
    batch_size: int = 8,
    progress: Callable[[float], None] = lambda _share: None,
) -> Attribution:
    """Score every module and edge of a model by attribution patching with integrated gradients.

    Args:
        model: A causal language model of a supported family, plain or with a LoRA adapter. It stays unchanged.
        pairs: (clean ids, corrupted ids, right token, wrong token); both id sequences have the same length.
        steps: Number of gradients on the line from the corrupted to the clean embeddings.
        rule: Where these gradients are taken, a key of `core.circuit.attribution.ATTRIBUTION_RULES`.
        batch_size: Pairs in one forward pass.
        progress: Called with the share of pairs that are done.

    Returns:
        Scores in logits: `nodes` [pair, module], `edges` [source, destination], and the metric of each pair.

    Raises:
        ModelError: The model's family is not supported.
        RunError: A pair is empty, or its two prompts differ in length or do not differ at all.

    Example:
        >>> import core, torch
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> _ = torch.manual_seed(0)
        >>> sizes = dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2)
        >>> model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2)).eval()
        >>> scores = core.attribute(model, [([1, 5, 9, 2], [1, 7, 9, 2], 11, 12)])
        >>> scores.nodes.shape  # one pair; two heads and one MLP in each of two layers
        torch.Size([1, 6])
    """
    return attribution.attribute_pairs(model, to_prompt_pairs(pairs), steps, rule, batch_size, progress=progress)


def extract_circuit(
    model: nn.Module,
    pairs: Sequence[Pair],
    settings: ExtractionSettings = ExtractionSettings(),
    progress: Callable[[float], None] = lambda _share: None,
) -> ExtractedCircuit:
    """Find the smallest set of modules that keeps a share of the metric when all others are corrupted.

    Args:
        model: As in `attribute`.
        pairs: As in `attribute`. Pairs whose clean prompt does not favour the right token are dropped.
        settings: Faithfulness threshold, attribution rule, batch size and seed.
        progress: Called with the share of the work that is done; may raise to stop.

    Returns:
        The circuit, the scores that its modules were ranked by, and bootstrap draws over the pairs.

    Raises:
        ModelError: The model's family is not supported.
        RunError: As in `attribute`, or no pair favours the right token.

    Example:
        >>> import core, torch
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> _ = torch.manual_seed(0)
        >>> sizes = dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2)
        >>> model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2)).eval()
        >>> answers = ((11, 12), (12, 11))  # one of the two directions has a positive metric
        >>> pairs = [([1, word, 9, 2], [1, word + 1, 9, 2], *pair) for word in (5, 7) for pair in answers]
        >>> circuit = core.extract_circuit(model, pairs).circuit
        >>> set(circuit.members) <= set(circuit.modules) and circuit.faithfulness >= circuit.threshold
        True
    """
    return extraction.extract(model, to_prompt_pairs(pairs), settings, progress)


def to_prompt_pairs(pairs: Sequence[Pair]) -> list[PromptPair]:
    """Convert pairs of token sequences to prompt pairs. Raises RunError for a pair that cannot be used."""
    return [_prompt_pair(number, *pair) for number, pair in enumerate(pairs)]


def _prompt_pair(number: int, clean: Sequence[int], corrupted: Sequence[int], right: int, wrong: int) -> PromptPair:
    if len(clean) != len(corrupted):
        raise RunError(
            f"Pair {number} has {len(clean)} clean and {len(corrupted)} corrupted tokens: make both equally long."
        )
    spans = tuple(_differing(clean, corrupted))
    if not spans:
        raise RunError(f"Pair {number} has two equal prompts: replace at least one token in the corrupted one.")
    return PromptPair(tuple(clean), tuple(corrupted), right, wrong, STRATEGY, spans, prompt=number)


def _differing(clean: Sequence[int], corrupted: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield [start, stop) of each run of positions at which the two sequences differ."""
    differs = [left != right for left, right in zip(clean, corrupted, strict=True)]
    for differing, positions in groupby(range(len(differs)), differs.__getitem__):
        if differing:
            run = list(positions)
            yield run[0], run[-1] + 1
