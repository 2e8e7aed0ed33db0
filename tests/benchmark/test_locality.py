"""Benchmarks of locality: the share that is chosen, the strength of equal forgetting, and the planted gradients."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from benchmarks.locality import equal_strength
from benchmarks.locality_choices import Inputs, highest
from benchmarks.locality_components import components_by_size, random_components
from benchmarks.locality_kfac import DAMPING, _solved, curvature
from benchmarks.locality_table import by_scene, differences
from benchmarks.locality_vectors import VECTORS, influence, trace
from benchmarks.planted import RoutedStep, found, true_coordinates
from core.benchmark.trials import load_scenario
from core.models.lora_layout import layout
from core.pipeline.context import fresh_adapter, load_adapter, make_context
from core.pipeline.prepare import train_adapter
from core.runs.references import train_references
from core.runs.requests import open_request
from core.unlearning.finetuning import AnswerLossStep
from core.unlearning.gradient_conflict import gradient_of
from core.unlearning.weight_mean import WeightMean
from tests.conftest import tiny_workspace


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
        return gradients(workspace, RoutedStep, marked=lambda _: list(prompts), masks=masks)[1]

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
    inputs = Inputs(None, plan, vector, vector, 0)
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
    assert "| size | 3 | -2.000 ± 0.000 |" in "\n".join(differences(rows, "random coordinates"))


# ------------------------------------------------------------ other vectors


@pytest.fixture(scope="module")
def scenario(tmp_path_factory):
    """A scenario whose adapter was trained by the workspace's own recipe, in its own order."""
    workspace = tiny_workspace(tmp_path_factory.mktemp("traced") / "tiny")
    train_adapter(workspace, lambda *_: False)
    request = open_request(workspace, users=workspace.user_split.training_users[:4])
    train_references(workspace, request.id, 1, "cpu", lambda *_: False)
    return load_scenario(workspace, request, "cpu")


def inputs_of(scenario):
    plan = layout(scenario.recommender.model)
    return Inputs(scenario, plan, 0 * plan.weights(), 0 * plan.weights(), 0)


def test_repeated_training_ends_at_the_original_and_leaves_it_as_it_was(scenario):
    inputs = inputs_of(scenario)
    before = inputs.plan.weights()
    found = trace(inputs)
    torch.testing.assert_close(found.end, before, atol=1e-6, rtol=1e-2)  # the adapter was saved in half precision
    torch.testing.assert_close(inputs.plan.weights(), before, atol=0, rtol=0)
    assert 0 < found.impact.norm() < (found.end - inputs.plan.flat(start(scenario, inputs))).norm()


def start(scenario, inputs):
    workspace = scenario.context.workspace
    fresh = layout(fresh_adapter(workspace, "cpu", workspace.settings.seed).model)
    return [one.detach() for one in fresh.parameters.values()]


def test_impacts_of_all_people_add_up_to_the_whole_change(scenario):
    """Where everybody is forgotten, everybody's impact is all that the training changed."""
    everybody = make_context(scenario.context.workspace, None, scenario.recommender.tokenizer).split.retain
    context = replace(scenario.context, split=replace(scenario.context.split, forget=everybody))
    inputs = inputs_of(replace(scenario, context=context))
    found = trace(inputs)
    torch.testing.assert_close(
        found.impact, found.end - inputs.plan.flat(start(scenario, inputs)), atol=1e-5, rtol=1e-3
    )


def test_curvature_is_solved_as_the_dense_kronecker_product():
    rng = torch.Generator().manual_seed(0)
    inputs, outputs = (torch.cov(torch.randn(size, 20, generator=rng)).double() for size in (3, 4))
    gradient = torch.randn(4, 3, generator=rng).double()
    dense = torch.kron(outputs, inputs)
    damped = dense + DAMPING * dense.diagonal().mean() * torch.eye(12).double()
    expected = torch.linalg.solve(damped, gradient.flatten()).view(4, 3)
    torch.testing.assert_close(_solved(inputs, outputs, gradient), expected)


def test_curvature_of_one_prompt_bounds_its_gradient_and_counts_no_padding(scenario):
    """|sum of g a'| is at most the root of the traces' product, and padding a batch changes nothing."""
    inputs, prompts = inputs_of(scenario), sorted(scenario.prompts.retain, key=lambda one: len(one.ids))
    pair = [prompts[0], prompts[-1]]
    assert len(pair[0].ids) < len(pair[1].ids)
    both, alone = (curvature(scenario.recommender.model, inputs.plan, part) for part in (pair, pair[:1]))
    other = curvature(scenario.recommender.model, inputs.plan, pair[1:])
    gradient = gradient_of(scenario.recommender.model, pair[:1], inputs.plan)
    for name, part in zip(inputs.plan.parameters, inputs.plan.parts(gradient), strict=True):
        for joint, one, two in zip(both[name], alone[name], other[name], strict=True):
            torch.testing.assert_close(2 * joint, one + two, atol=1e-6, rtol=1e-3)
        assert part.norm().square() <= alone[name][0].trace() * alone[name][1].trace() * (1 + 1e-4)


def test_influence_step_raises_the_forget_loss_and_methods_leave_the_model_as_it_was(scenario):
    inputs = inputs_of(scenario)
    before = inputs.plan.weights()
    assert float((influence(inputs) * inputs.forget_gradient).sum()) < 0  # it is subtracted
    for name in ("gradient difference", "checkpoint vector"):
        assert VECTORS[name](inputs).norm() > 0
        torch.testing.assert_close(inputs.plan.weights(), before, atol=0, rtol=0)
