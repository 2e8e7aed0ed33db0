"""Ranks that belong to groups of people: whose gradients reach them, and what is left when a group is removed."""

from dataclasses import replace

import pytest
import torch

from benchmarks.rank_groups import RankRoutedStep, as_weight, only_ranks, ranks_of, train_routed, without
from core.models.batching import answer_logits, collate
from core.models.recommender import ADAPTER, adapter_weights, put_adapter_weights
from core.pipeline.context import fresh_adapter, make_context
from core.unlearning.finetuning import AnswerLossStep, finetune
from core.unlearning.weight_mean import WeightMean

GROUPS = 2


@pytest.fixture
def fresh(workspace):
    """A new adapter whose ranks all answer, the masks of two groups, and the context of the workspace."""
    recommender = fresh_adapter(workspace, "cpu", 0)
    recommender.model.set_adapter(ADAPTER)
    rng = torch.Generator().manual_seed(0)
    weights = adapter_weights(recommender.model)
    put_adapter_weights(
        recommender.model, {name: torch.randn(one.shape, generator=rng) for name, one in weights.items()}
    )
    masks = [ranks_of(group, GROUPS, workspace.settings.rank) for group in range(GROUPS)]
    return recommender.model, masks, make_context(workspace, None, recommender.tokenizer)


def gradients(fresh, step_type, **options):
    model, _, context = fresh
    parameters = [one for one in model.parameters() if one.requires_grad]
    for one in parameters:
        one.grad = None
    prompts = context.encode(context.split.retain[:4])
    step_type(model, prompts, [[0, 1, 2, 3]], 0, WeightMean(parameters, after=0), **options)(0)
    return {name: one.grad.clone() for name, one in model.named_parameters() if one.requires_grad}


def test_each_group_s_gradient_reaches_its_own_ranks_only(fresh):
    masks, plain = fresh[1], gradients(fresh, AnswerLossStep)
    everybody = [torch.ones_like(masks[0])] * GROUPS
    for name, found in gradients(fresh, RankRoutedStep, group_of=[0, 1, 0, 1], masks=everybody).items():
        torch.testing.assert_close(found, plain[name])
    for name, found in gradients(fresh, RankRoutedStep, group_of=[0, 0, 0, 0], masks=masks).items():
        torch.testing.assert_close(found, plain[name] * as_weight(name, masks[0]))


def test_ranks_are_divided_among_the_groups():
    assert torch.equal(sum(ranks_of(group, 4, 16) for group in range(4)), torch.ones(16))


def test_a_group_that_is_removed_answers_nothing(fresh):
    model, masks, context = fresh
    batch = collate(context.encode(context.split.retain[:3]))
    weights = adapter_weights(model)
    with only_ranks(model, masks[0]):
        alone = answer_logits(model, batch)
    put_adapter_weights(model, without(weights, masks[1]))
    torch.testing.assert_close(answer_logits(model, batch), alone)
    put_adapter_weights(model, weights)
    assert not torch.allclose(answer_logits(model, batch), alone)


@pytest.mark.parametrize("stacked", [False, True])
def test_training_of_one_group_leaves_the_ranks_of_the_others_bit_for_bit(fresh, stacked):
    model, masks, context = fresh
    before, prompts = adapter_weights(model), context.encode(context.split.retain[:4])
    settings = replace(context.finetune_settings, epochs=1, weight_decay=0.0)
    if stacked:
        with only_ranks(model, masks[0]):
            finetune(model, prompts, settings)
    else:
        train_routed(model, prompts, [0] * len(prompts), masks, settings)
    for name, now in adapter_weights(model).items():
        other = as_weight(name, masks[1]).expand(now.shape) > 0
        assert torch.equal(now[other], before[name][other]) and not torch.equal(now, before[name])
