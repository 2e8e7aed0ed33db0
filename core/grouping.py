"""Two scored circuits -> groups (method section 3): what each module is for, and how sure that is."""

from collections.abc import Mapping

import torch
from torch import Tensor

from core.types import Circuit, Group, ModuleGroup

MARGIN = 0.15
DRAWS = 200


def group_modules(
    forget: Circuit,
    retain: Circuit,
    forget_scores: Tensor,
    retain_scores: Tensor,
    conflict: Mapping[str, float],
    seed: int = 0,
) -> tuple[ModuleGroup, ...]:
    """Sort every module into forget, retain, shared or outside.

    forget_scores, retain_scores: per-example node scores [example, module], for the bootstrap over examples.
    conflict: per module, cosine of the forget and retain gradients. A module whose share differs from one half by
    less than its bootstrap noise is shared, whatever the margin says.
    """
    ratios = torch.stack(
        [
            _ratio(_resampled(forget_scores, draw), _resampled(retain_scores, draw + DRAWS))
            for draw in range(seed, seed + DRAWS)
        ]
    )
    noise = (ratios.quantile(0.975, dim=0) - ratios.quantile(0.025, dim=0)) / 2
    share_f, share_r = (contribution(scores.mean(0)) for scores in (forget_scores, retain_scores))
    ratio = _ratio(forget_scores.mean(0), retain_scores.mean(0))
    return tuple(
        ModuleGroup(
            module=name,
            group=assign(name in forget.members, name in retain.members, ratio[i].item(), noise[i].item()),
            forget=share_f[i].item(),
            retain=share_r[i].item(),
            ratio=ratio[i].item(),
            noise=noise[i].item(),
            conflict=conflict.get(name, 0.0),
        )
        for i, name in enumerate(forget.modules)
    )


def assign(in_forget: bool, in_retain: bool, ratio: float, noise: float, margin: float = MARGIN) -> Group:
    """The rule for one module; `ratio` is its share of contribution to the forget set, one half when equal."""
    if not in_forget and not in_retain:
        return Group.OUTSIDE
    if in_forget and not in_retain:
        return Group.FORGET
    if in_retain and not in_forget:
        return Group.RETAIN
    if abs(ratio - 0.5) < max(margin, noise):
        return Group.SHARED
    return Group.FORGET if ratio > 0.5 else Group.RETAIN


def contribution(scores: Tensor) -> Tensor:
    """|score| as a share of all modules' |score|, [module]."""
    return scores.abs() / scores.abs().sum().clamp(min=1e-30)


def _ratio(forget: Tensor, retain: Tensor) -> Tensor:
    """c_f / (c_f + c_r), [module]; one half where a module contributes to neither."""
    share_f, share_r = contribution(forget), contribution(retain)
    total = share_f + share_r
    return torch.where(total > 0, share_f / total.clamp(min=1e-30), torch.full_like(total, 0.5))


def _resampled(scores: Tensor, seed: int) -> Tensor:
    """Mean over one bootstrap draw of examples."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(scores), (len(scores),), generator=generator)
    return scores[rows].mean(0)
