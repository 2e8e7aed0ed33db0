"""Assignment of modules to groups: the rule, disjoint groups, and membership probabilities."""

from dataclasses import replace

import pytest
import torch

from core.circuit.bootstrap import bootstrap_seeds, draw_sample
from core.errors import RunError
from core.grouping.assign import assign_group, check_edit, contribution, group_modules
from core.types import Circuit, Group, GroupEdit, GroupMove, ModuleGroup

NAMES = ("a0.h0", "a0.h1", "m0", "m1")


def circuit(members, scores=(0.0,) * 4) -> Circuit:
    return Circuit(NAMES, tuple(scores), tuple(members), (), (), 0.9, 0.85, 1.0, 0.0, 8, 0)


def grouped(forget, retain, kept, conflict=None):
    """Group two sets of node scores; the circuit of each holds the first `kept` names."""
    sides = [circuit(NAMES[:kept], nodes.mean(0).tolist()) for nodes in (forget, retain)]
    samples = [draw_sample(nodes, kept, seed) for nodes, seed in zip((forget, retain), bootstrap_seeds(0), strict=True)]
    return group_modules(*sides, *samples, conflict)


@pytest.mark.parametrize(
    ("in_forget", "in_retain", "ratio", "noise", "expected"),
    [
        (False, False, 0.9, 0.0, Group.OUTSIDE),
        (True, False, 0.1, 0.0, Group.FORGET),
        (False, True, 0.9, 0.0, Group.RETAIN),
        (True, False, 0.6, 0.0, Group.FORGET),
        (True, False, 0.8, 0.4, Group.SHARED),
        (False, True, 0.2, 0.4, Group.SHARED),
        (True, True, 0.66, 0.0, Group.FORGET),
        (True, True, 0.34, 0.0, Group.RETAIN),
        (True, True, 0.6, 0.0, Group.SHARED),
        (True, True, 0.66, 0.3, Group.SHARED),
    ],
)
def test_rule_assigns_expected_group(in_forget, in_retain, ratio, noise, expected):
    assert assign_group(in_forget, in_retain, ratio, noise) is expected


def test_contributions_are_shares_of_absolute_scores():
    assert contribution(torch.tensor([1.0, -3.0])).tolist() == [0.25, 0.75]


def scores(means, spread, n=40, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.tensor(means) + spread * torch.randn(n, 4, generator=generator)


def test_each_module_gets_one_group_by_consistent_difference():
    forget, retain = scores([4.0, 1.0, 2.0, 0.0], 0.01), scores([1.0, 4.0, 2.0, 0.0], 0.01, seed=1)
    groups = grouped(forget, retain, 3, {"m0": -0.5})
    assert [g.module for g in groups] == list(NAMES)
    assert [g.group for g in groups] == [Group.FORGET, Group.RETAIN, Group.SHARED, Group.OUTSIDE]
    assert [(g.conflict, g.has_lora) for g in groups[1:3]] == [(None, False), (-0.5, True)]
    assert sum(g.forget for g in groups) == pytest.approx(1.0)
    assert [g.membership_probability for g in groups] == [1.0] * 4


def test_membership_probability_is_lower_near_the_threshold():
    """Near a threshold, some bootstrap samples fall on the other side."""
    edge = grouped(scores([3.5, 2.0, 2.0, 2.0], 1.0), scores([2.0, 3.5, 2.0, 2.0], 1.0, seed=1), 4)
    far = grouped(scores([9.0, 1.0, 2.0, 2.0], 0.5), scores([1.0, 9.0, 2.0, 2.0], 0.5, seed=1), 4)
    assert all(0 < g.membership_probability <= 1 for g in (*edge, *far))
    assert min(g.membership_probability for g in edge) < 0.95 < min(g.membership_probability for g in far[:2])


def test_difference_within_noise_is_shared():
    """The prompts scatter so widely that a difference beyond the threshold may be chance."""
    means = [2.0, 2.0, 2.0, 2.0]
    groups = []
    for seed in range(10):
        forget, retain = scores(means, 20.0, n=10, seed=seed), scores(means, 20.0, n=10, seed=seed + 100)
        groups += grouped(forget, retain, 4)
    within_noise = [g for g in groups if 0.15 < abs(g.ratio - 0.5) < g.noise]
    assert len(within_noise) > 5
    assert {g.group for g in within_noise} == {Group.SHARED}


def test_nothing_is_said_of_what_was_not_measured():
    nodes = scores([4.0, 1.0, 2.0, 0.0], 0.01)
    assert {(g.conflict, g.has_lora) for g in grouped(nodes, nodes, 3)} == {(None, None)}
    assert {(g.conflict, g.has_lora) for g in grouped(nodes, nodes, 3, {})} == {(None, False)}


def test_module_without_lora_cannot_be_moved():
    rows = [ModuleGroup("m0", Group.OUTSIDE, 0, 0, 0.5, 0, 0), ModuleGroup("m1", Group.OUTSIDE, 0, 0, 0.5, 0, 0)]
    edit = GroupEdit("run", moves=(GroupMove("m1", Group.FORGET, "seen"),))
    check_edit(edit, rows)
    with pytest.raises(RunError, match="'m1' has no LoRA in this adapter"):
        check_edit(edit, [rows[0], replace(rows[1], has_lora=False)])
