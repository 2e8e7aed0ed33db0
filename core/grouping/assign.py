"""Grouping rule (docs/method.md, section 3): sort every module into forget, retain, shared or outside.

A module is one attention head or MLP. The rule compares the circuits of the forget set and of the retain set:

1. The contribution of a module to one set is its share of all modules' absolute score.
2. The ratio of a module is its contribution to the forget set, divided by the sum of both contributions.
3. The noise of the ratio is half the width of its 95 % bootstrap interval over prompts.
4. `assign_group` turns the circuits that hold the module, its ratio and its noise into the group.
5. The membership probability of a group is the share of bootstrap draws in which the rule gives the same group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from jaxtyping import Float
from torch import Tensor

from core.circuit.bootstrap import BootstrapSample
from core.errors import RunError
from core.types import Circuit, Group, GroupEdit, ModuleGroup
from core.types.circuit import DEFAULT_RULE


@dataclass(frozen=True)
class GroupingResult:
    """Result of the grouping stage.

    Attributes:
        circuits: The circuits of the forget set and of the retain set; None for a method that uses no circuit.
        groups: The group of each module; empty for a method that uses no circuit.
    """

    circuits: tuple[Circuit, Circuit] | None
    groups: tuple[ModuleGroup, ...]


def group_modules(
    forget: Circuit,
    retain: Circuit,
    forget_sample: BootstrapSample,
    retain_sample: BootstrapSample,
    conflict: Mapping[str, float] | None,
    edit: GroupEdit = DEFAULT_RULE,
) -> tuple[ModuleGroup, ...]:
    """Assign a group to every module.

    Args:
        forget: Circuit of the forget set.
        retain: Circuit of the retain set, of the same model.
        forget_sample: Bootstrap sample of the forget set.
        retain_sample: Bootstrap sample of the retain set, with as many draws.
        conflict: Cosine of the forget and the retain gradient, by module with LoRA coordinates; None if not measured,
            and then nothing is said of LoRA.
        edit: Thresholds, and modules that a reviewer moved to another group.

    Returns:
        One row for each module, in the order of `forget.modules`.
    """
    share_f, share_r = (contribution(torch.tensor(circuit.scores)) for circuit in (forget, retain))
    ratio = _ratio(share_f, share_r)
    ratios = _ratio(contribution(forget_sample.means), contribution(retain_sample.means))
    noise = (ratios.quantile(0.975, dim=0) - ratios.quantile(0.025, dim=0)) / 2
    moves = {move.module: move for move in edit.moves}
    result = []
    for i, name in enumerate(forget.modules):
        own_f, own_r, value, spread = (values[i].item() for values in (share_f, share_r, ratio, noise))
        bounds = (spread, edit.low, edit.high)
        group, reason = assign_group(name in forget.members, name in retain.members, value, *bounds), ""
        if name in moves:
            group, reason = moves[name].group, moves[name].reason
        draws = (values[:, i].tolist() for values in (forget_sample.members, retain_sample.members, ratios))
        probability = fmean(
            assign_group(in_f, in_r, drawn_ratio, *bounds) is group
            for in_f, in_r, drawn_ratio in zip(*draws, strict=True)
        )
        cosine, has_lora = (None, None) if conflict is None else (conflict.get(name), name in conflict)
        result.append(ModuleGroup(name, group, own_f, own_r, value, spread, cosine, probability, reason, has_lora))
    return tuple(result)


def assign_group(
    in_forget: bool,
    in_retain: bool,
    ratio: float,
    noise: float,
    low: float = DEFAULT_RULE.low,
    high: float = DEFAULT_RULE.high,
) -> Group:
    """Apply the rule to one module.

    A module of neither circuit is outside. A module whose ratio differs from one half by less than its noise is shared,
    even in one circuit only, because chance may have put it into that circuit. A module of both circuits is shared if
    its ratio lies between `low` and `high`.

    Args:
        in_forget: Whether the circuit of the forget set holds the module.
        in_retain: Whether the circuit of the retain set holds the module.
        ratio: Contribution to the forget set as a share of both contributions, in [0, 1].
        noise: Half the width of the ratio's bootstrap interval.
        low: Lower threshold.
        high: Upper threshold.
    """
    if not in_forget and not in_retain:
        return Group.OUTSIDE
    if abs(ratio - 0.5) < noise or (in_forget and in_retain and low < ratio < high):
        return Group.SHARED
    if in_forget != in_retain:
        return Group.FORGET if in_forget else Group.RETAIN
    return Group.FORGET if ratio > 0.5 else Group.RETAIN


def check_edit(edit: GroupEdit, groups: Sequence[ModuleGroup]) -> None:
    """Check an edit of the groups.

    Args:
        edit: Thresholds and moved modules.
        groups: The rows of all modules of the model.

    Raises:
        RunError: A threshold is out of range, or a moved module is unknown, has no LoRA, is moved twice or without a
            reason.
    """
    if not 0 < edit.low <= 0.5 <= edit.high < 1:
        raise RunError(
            f"Thresholds {edit.low:g} and {edit.high:g} leave no middle: choose one in (0, .5] and one in [.5, 1)."
        )
    moved, rows = [move.module for move in edit.moves], {row.module: row for row in groups}
    for move in edit.moves:
        if move.module not in rows:
            raise RunError(f"Module {move.module!r} is not in this model: choose one such as {groups[0].module!r}.")
        if rows[move.module].has_lora is False:
            raise RunError(f"Module {move.module!r} has no LoRA in this adapter, so it cannot change: leave it out.")
        if moved.count(move.module) > 1:
            raise RunError(f"Module {move.module!r} is moved twice: keep one of the moves.")
        if not move.reason.strip():
            raise RunError(f"Module {move.module!r} is moved without a reason: write one for the record.")


def contribution(scores: Float[Tensor, "*b modules"]) -> Float[Tensor, "*b modules"]:
    """Absolute score of each module as a share of the sum over all modules."""
    return scores.abs() / scores.abs().sum(-1, keepdim=True).clamp(min=1e-30)


def _ratio(share_f: Tensor, share_r: Tensor) -> Tensor:
    """Return share_f / (share_f + share_r), or one half for a module that contributes to neither set."""
    total = share_f + share_r
    return torch.where(total > 0, share_f / total.clamp(min=1e-30), torch.full_like(total, 0.5))
