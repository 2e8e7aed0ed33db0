"""Two scored circuits -> groups (method section 3): what each module is for, and how sure that is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from core.errors import RunError
from core.types import Circuit, Group, GroupEdit, ModuleGroup

RULE = GroupEdit(source="")  # the rule's own thresholds (delta = .15 of method section 3), nothing moved


@dataclass(frozen=True)
class Sample:
    """What one set's circuit would have been on other prompts: its mean node scores, and which modules it holds."""

    means: Float[Tensor, "draws modules"]
    members: Bool[Tensor, "draws modules"]


def group_modules(
    forget: Circuit,
    retain: Circuit,
    forget_sample: Sample,
    retain_sample: Sample,
    conflict: Mapping[str, float],
    edit: GroupEdit = RULE,
) -> tuple[ModuleGroup, ...]:
    """Sort every module into forget, retain, shared or outside.

    forget_sample, retain_sample: bootstrap draws over prompts, as many of the one as of the other.
    conflict: per module, cosine of the forget and retain gradients. edit: a person's thresholds and moves.
    """
    share_f, share_r = (contribution(torch.tensor(circuit.scores)) for circuit in (forget, retain))
    ratio = _ratio(share_f, share_r)
    ratios = _ratio(contribution(forget_sample.means), contribution(retain_sample.means))
    noise = (ratios.quantile(0.975, dim=0) - ratios.quantile(0.025, dim=0)) / 2
    moves = {move.module: move for move in edit.moves}
    result = []
    for i, name in enumerate(forget.modules):
        share, other, value, spread = (values[i].item() for values in (share_f, share_r, ratio, noise))
        bounds = (spread, edit.low, edit.high)
        group, reason = assign(name in forget.members, name in retain.members, value, *bounds), ""
        if name in moves:
            group, reason = moves[name].group, moves[name].reason
        drawn = (values[:, i].tolist() for values in (forget_sample.members, retain_sample.members, ratios))
        sure = fmean(
            assign(in_f, in_r, other_ratio, *bounds) is group for in_f, in_r, other_ratio in zip(*drawn, strict=True)
        )
        found = conflict.get(name, 0.0)
        result.append(ModuleGroup(name, group, share, other, value, spread, found, sure, reason))
    return tuple(result)


def assign(
    in_forget: bool, in_retain: bool, ratio: float, noise: float, low: float = RULE.low, high: float = RULE.high
) -> Group:
    """The rule for one module; `ratio` is its share of contribution to the forget set, one half when equal.

    A module whose ratio differs from one half by less than its noise is shared, even where it is in one circuit
    only: which one may be chance. In both circuits it is also shared between `low` and `high`.
    """
    if not in_forget and not in_retain:
        return Group.OUTSIDE
    if abs(ratio - 0.5) < noise or (in_forget and in_retain and low < ratio < high):
        return Group.SHARED
    if in_forget != in_retain:
        return Group.FORGET if in_forget else Group.RETAIN
    return Group.FORGET if ratio > 0.5 else Group.RETAIN


def check_edit(edit: GroupEdit, modules: Collection[str]) -> None:
    """Raise RunError, in one sentence, where an edit of the groups cannot be used."""
    if not 0 < edit.low <= 0.5 <= edit.high < 1:
        raise RunError(
            f"Thresholds {edit.low:g} and {edit.high:g} leave no middle: choose one in (0, .5] and one in [.5, 1)."
        )
    seen = [move.module for move in edit.moves]
    for move in edit.moves:
        if move.module not in modules:
            raise RunError(f"Module {move.module!r} is not in this model: choose one such as {next(iter(modules))!r}.")
        if seen.count(move.module) > 1:
            raise RunError(f"Module {move.module!r} is moved twice: keep one of the moves.")
        if not move.reason.strip():
            raise RunError(f"Module {move.module!r} is moved without a reason: write why, for the record.")


def contribution(scores: Float[Tensor, "*b modules"]) -> Float[Tensor, "*b modules"]:
    """|score| as a share of all modules' |score|."""
    return scores.abs() / scores.abs().sum(-1, keepdim=True).clamp(min=1e-30)


def _ratio(share_f: Tensor, share_r: Tensor) -> Tensor:
    """c_f / (c_f + c_r); one half where a module contributes to neither."""
    total = share_f + share_r
    return torch.where(total > 0, share_f / total.clamp(min=1e-30), torch.full_like(total, 0.5))
