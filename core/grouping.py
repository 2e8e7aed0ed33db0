"""Two scored circuits -> groups (method section 3): what each module is for, and how sure that is."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.types import Circuit, Group, ModuleGroup

MARGIN = 0.15


@dataclass(frozen=True)
class Sample:
    """What one set's circuit would have been on other prompts: its mean node scores, and which modules it holds."""

    means: Float[Tensor, "draws modules"]
    members: Bool[Tensor, "draws modules"]


def group_modules(
    forget: Circuit, retain: Circuit, forget_sample: Sample, retain_sample: Sample, conflict: Mapping[str, float]
) -> tuple[ModuleGroup, ...]:
    """Sort every module into forget, retain, shared or outside.

    forget_sample, retain_sample: bootstrap draws over prompts, as many of the one as of the other.
    conflict: per module, cosine of the forget and retain gradients.
    """
    share_f, share_r = (contribution(torch.tensor(circuit.scores)) for circuit in (forget, retain))
    ratio = _ratio(share_f, share_r)
    ratios = _ratio(contribution(forget_sample.means), contribution(retain_sample.means))
    noise = (ratios.quantile(0.975, dim=0) - ratios.quantile(0.025, dim=0)) / 2
    result = []
    for i, name in enumerate(forget.modules):
        group = assign(name in forget.members, name in retain.members, ratio[i].item(), noise[i].item())
        drawn_f, drawn_r, drawn = (
            values[:, i].tolist() for values in (forget_sample.members, retain_sample.members, ratios)
        )
        same = [
            assign(in_f, in_r, value, noise[i].item()) is group
            for in_f, in_r, value in zip(drawn_f, drawn_r, drawn, strict=True)
        ]
        share, other, value, spread = (values[i].item() for values in (share_f, share_r, ratio, noise))
        result.append(ModuleGroup(name, group, share, other, value, spread, conflict.get(name, 0.0), fmean(same)))
    return tuple(result)


def assign(in_forget: bool, in_retain: bool, ratio: float, noise: float, margin: float = MARGIN) -> Group:
    """The rule for one module; `ratio` is its share of contribution to the forget set, one half when equal.

    A module whose ratio differs from one half by less than its noise is shared, even where it is in one circuit
    only: which one may be chance.
    """
    if not in_forget and not in_retain:
        return Group.OUTSIDE
    undecided = max(noise, margin if in_forget and in_retain else 0.0)
    if abs(ratio - 0.5) < undecided:
        return Group.SHARED
    if in_forget != in_retain:
        return Group.FORGET if in_forget else Group.RETAIN
    return Group.FORGET if ratio > 0.5 else Group.RETAIN


def contribution(scores: Float[Tensor, "*b modules"]) -> Float[Tensor, "*b modules"]:
    """|score| as a share of all modules' |score|."""
    return scores.abs() / scores.abs().sum(-1, keepdim=True).clamp(min=1e-30)


def _ratio(share_f: Tensor, share_r: Tensor) -> Tensor:
    """c_f / (c_f + c_r); one half where a module contributes to neither."""
    total = share_f + share_r
    return torch.where(total > 0, share_f / total.clamp(min=1e-30), torch.full_like(total, 0.5))
