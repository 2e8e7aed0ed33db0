"""Bootstrap over prompts: how much a circuit depends on the prompts that it was found with.

1. `by_prompt` averages the node scores of the pairs of each prompt, since prompts are what can be resampled.
2. `draw_sample` draws prompts with replacement, DRAWS times, and takes the circuit of each draw.
3. Circuit extraction reads the membership probability of each module from the sample, and grouping (docs/method.md,
   section 3) reads the noise of each module's ratio from the same sample. A run draws one sample for the forget set and
   one for the retain set.

`overlap` answers the same question without replacement: it compares the circuits of two halves of the prompts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

if TYPE_CHECKING:  # these modules load transformers, which core.runs.submit must not need
    from core.circuit.attribution import Attribution
    from core.circuit.prompt_pairs import PromptPair

DRAWS = 200
HALVES = 100


@dataclass(frozen=True)
class BootstrapSample:
    """Bootstrap draws over the prompts of one set.

    Attributes:
        means: Mean node scores of each draw, in logits.
        members: The modules of each draw's circuit, which is as large as the circuit of all prompts.
    """

    means: Float[Tensor, "draws modules"]
    members: Bool[Tensor, "draws modules"]

    @property
    def membership_probability(self) -> tuple[float, ...]:
        """Share of the draws whose circuit holds each module."""
        return tuple(self.members.double().mean(0).tolist())


def bootstrap_seeds(seed: int) -> tuple[int, int]:
    """Return the seeds of the samples of the forget set and of the retain set.

    They are `seed` and `seed + 1`, so that the draws of both sets are independent. Circuits, groups and the preview of
    edited groups all follow this rule.
    """
    return seed, seed + 1


def draw_sample(nodes: Float[Tensor, "n modules"], size: int, seed: int) -> BootstrapSample:
    """Draw the bootstrap sample of one set.

    Args:
        nodes: Node scores by prompt, in logits.
        size: Modules in the circuit of all prompts.
        seed: One of `bootstrap_seeds`.
    """
    means = bootstrap_means(nodes, seed)
    return BootstrapSample(means, strongest_modules(means, size))


def by_prompt(scores: "Attribution", pairs: Sequence["PromptPair"]) -> Float[Tensor, "prompts modules"]:
    """Average the node scores over the pairs of each prompt."""
    numbers = [pair.prompt for pair in pairs]
    rows = torch.tensor(numbers)
    return torch.stack([scores.nodes[rows == number].mean(0) for number in sorted(set(numbers))])


def bootstrap_means(nodes: Float[Tensor, "n modules"], seed: int, draws: int = DRAWS) -> Float[Tensor, "draws modules"]:
    """Mean node scores of bootstrap samples of prompts."""
    rows = torch.randint(len(nodes), (draws, len(nodes)), generator=torch.Generator().manual_seed(seed))
    return torch.stack([nodes[chosen].mean(0) for chosen in rows])


def strongest_modules(means: Float[Tensor, "draws modules"], size: int) -> Bool[Tensor, "draws modules"]:
    """Mark the `size` modules with the largest absolute score in each draw."""
    indices = means.abs().topk(size, dim=1).indices
    return torch.zeros_like(means, dtype=torch.bool).scatter_(1, indices, True)


def overlap(nodes: Float[Tensor, "n modules"], size: int, seed: int) -> float | None:
    """Compare the circuits of two random halves of the prompts.

    Args:
        nodes: Node scores by prompt, in logits.
        size: Modules in each circuit.
        seed: Seed of the halves.

    Returns:
        The Jaccard overlap, averaged over HALVES random cuts; None for a single prompt.
    """
    if len(nodes) < 2:
        return None
    generator, middle = torch.Generator().manual_seed(seed), len(nodes) // 2
    cuts = [torch.randperm(len(nodes), generator=generator) for _ in range(HALVES)]
    first, second = (
        strongest_modules(torch.stack([nodes[chosen].mean(0) for chosen in half]), size)
        for half in ([cut[:middle] for cut in cuts], [cut[middle:] for cut in cuts])
    )
    return jaccard(first, second).mean().item()


def jaccard(first: Bool[Tensor, "*b modules"], second: Bool[Tensor, "*b modules"]) -> Float[Tensor, "*b"]:
    """Number of shared modules divided by the number of modules in either set."""
    return (first & second).sum(-1) / (first | second).sum(-1)
