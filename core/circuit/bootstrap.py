"""How sure a circuit is: what it would be on other prompts of the same kind, by resampling those that there are."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.circuit.attribution import Attribution
from core.circuit.hooks import Contrast

DRAWS = 200
HALVES = 100


def by_prompt(scores: Attribution, contrasts: Sequence[Contrast]) -> Float[Tensor, "prompts modules"]:
    """Node scores of each prompt, the mean over its contrasts: prompts are what can be resampled."""
    numbers = torch.tensor([contrast.prompt for contrast in contrasts])
    return torch.stack([scores.nodes[numbers == number].mean(0) for number in numbers.unique()])


def resampled(nodes: Float[Tensor, "n modules"], seed: int, draws: int = DRAWS) -> Float[Tensor, "draws modules"]:
    """Mean node scores of bootstrap samples of prompts."""
    rows = torch.randint(len(nodes), (draws, len(nodes)), generator=torch.Generator().manual_seed(seed))
    return torch.stack([nodes[some].mean(0) for some in rows])


def members(means: Float[Tensor, "draws modules"], size: int) -> Bool[Tensor, "draws modules"]:
    """The `size` modules of largest absolute score in each draw: its circuit, if it is as large as the one found."""
    places = means.abs().topk(size, dim=1).indices
    return torch.zeros_like(means, dtype=torch.bool).scatter_(1, places, True)


def overlap(nodes: Float[Tensor, "n modules"], size: int, seed: int) -> float | None:
    """Jaccard overlap of the circuits of two random halves of the prompts, mean over HALVES cuts; None for one prompt."""
    if len(nodes) < 2:
        return None
    generator, middle = torch.Generator().manual_seed(seed), len(nodes) // 2
    cuts = [torch.randperm(len(nodes), generator=generator) for _ in range(HALVES)]
    one, other = (
        members(torch.stack([nodes[some].mean(0) for some in half]), size)
        for half in ([cut[:middle] for cut in cuts], [cut[middle:] for cut in cuts])
    )
    return jaccard(one, other).mean().item()


def jaccard(one: Bool[Tensor, "*b modules"], other: Bool[Tensor, "*b modules"]) -> Float[Tensor, "*b"]:
    """Shared modules as a share of all modules of either."""
    return (one & other).sum(-1) / (one | other).sum(-1)
