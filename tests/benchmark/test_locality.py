"""Benchmarks of locality: the share that is chosen, the strength of equal forgetting, and the planted gradients."""

from itertools import pairwise

import pytest
import torch

from benchmarks.locality import equal_strength
from benchmarks.locality_choices import Inputs, highest
from benchmarks.locality_components import components_by_size, random_components
from benchmarks.locality_table import by_scene, differences
from benchmarks.planted import RoutedStep, found, true_coordinates
from core.models.lora_layout import layout
from core.pipeline.context import load_adapter, make_context
from core.unlearning.finetuning import AnswerLossStep
from core.unlearning.weight_mean import WeightMean


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_the_share_with_the_highest_scores_is_chosen_and_ties_are_random(share):
    scores = torch.arange(200.0).view(50, 4).round(decimals=-1)  # ties of ten
    masks = [highest(scores, share, seed) for seed in range(3)]
    for mask in masks:
        assert mask.sum() == round(200 * share) and set(mask.unique().tolist()) <= {0.0, 1.0}
        assert share in (0.0, 1.0) or scores[mask > 0].min() >= scores[mask == 0].max()
    assert share != 0.02 or any(not torch.equal(one, other) for one, other in pairwise(masks))


@pytest.mark.parametrize(("slope", "multiple"), [(1.0, 1.0), (0.1, 10.0), (30.0, 1 / 30), (0.001, 256.0)])
def test_strength_of_equal_forgetting_is_found_or_told_to_be_out_of_reach(slope, multiple):
    class Line:
        """A yardstick whose loss rises in proportion to what is subtracted."""

        def __init__(self):
            self.plan, self.moved = self, 0.0

        def write(self, flat):
            self.moved = -float(flat)

        def loss(self):
            return 0.5 + slope * self.moved

    found, share = equal_strength(Line(), torch.tensor(0.0), torch.tensor(1.0), 0.5, 1.5)
    assert share == pytest.approx(slope * found) and found == pytest.approx(multiple, rel=0.03)
    assert (share == pytest.approx(1, abs=0.02)) == (slope * 200 > 1)


def gradients(workspace, step_type, **options):
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    prompts = context.encode([*context.split.forget[:2], *context.split.retain[:2]])
    plan = layout(recommender.model)
    parameters = [one for name, one in recommender.model.named_parameters() if "lora_" in name]
    for parameter in parameters:
        parameter.requires_grad_(True)
    made = {name: make(plan) for name, make in options.items()}
    mean = WeightMean(parameters, after=0)
    step_type(recommender.model, prompts, [[0, 1, 2, 3]], 0, mean, **made)(0)
    return plan, plan.flat([one.grad for one in plan.parameters.values()])


def test_gradients_of_routed_prompts_reach_the_true_coordinates_only(workspace):
    plan, whole = gradients(workspace, AnswerLossStep)

    def routed(mask, *prompts):
        masks = lambda plan: dict(zip(plan.parameters.values(), plan.parts(mask), strict=True))  # noqa: E731
        return gradients(workspace, RoutedStep, routed=lambda _: list(prompts), masks=masks)[1]

    ones, truth = torch.ones_like(whole), true_coordinates(plan, 0.3, 1)
    assert 0 < truth.mean() < 1
    torch.testing.assert_close(routed(ones, True, True, False, False), whole)
    others = routed(0 * ones, True, True, False, False)
    forgotten = routed(0 * ones, False, False, True, True)
    torch.testing.assert_close(others + forgotten, whole)  # the gradient of the batch is the sum of its parts
    torch.testing.assert_close(routed(truth, True, True, False, False), others + truth * forgotten)


@pytest.mark.parametrize("choose", [components_by_size, random_components])
def test_components_add_up_to_the_vector_and_a_share_is_a_part_of_it(workspace, choose):
    plan = layout(load_adapter(workspace, str(workspace.adapter), "cpu").model)
    vector = torch.randn(plan.weights().shape, generator=torch.Generator().manual_seed(0))
    inputs = Inputs(None, plan, vector, 0)
    torch.testing.assert_close(choose(inputs, 1.0, 0), vector)
    part = choose(inputs, 0.3, 0)
    torch.testing.assert_close((part * (vector - part)).sum(), torch.tensor(0.0), atol=1e-3, rtol=0)  # orthogonal
    assert 0 < part.norm() < vector.norm()


def test_a_localiser_that_knows_the_truth_has_precision_one_and_one_that_is_wrong_has_none():
    truth = torch.zeros(10, 2)
    truth[:3] = 1
    assert found(truth, truth, 0) == {"precision": 1.0, "localisation_auc": 1.0, "chance": pytest.approx(0.3)}
    assert found(1 - truth, truth, 0)["precision"] == 0.0


def test_choices_are_compared_within_scenes():
    drawn = [("size", 2.0, 0), ("random coordinates", 3.0, 0), ("random coordinates", 5.0, 1)]
    rows = [
        {"scene": scene, "choice": choice, "forgotten": 1.0, "norm": norm + scene, "draw": draw}
        for scene in range(3)
        for choice, norm, draw in drawn
    ]
    assert by_scene(rows, "norm") == {scene: pytest.approx((10 + 3 * scene) / 3) for scene in range(3)}
    assert "-2.000 ± 0.000" in "\n".join(differences(rows))
