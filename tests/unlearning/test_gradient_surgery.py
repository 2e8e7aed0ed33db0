"""Gradient surgery: invariants of docs/method.md, section 5, and values worked out by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from core.models.lora_layout import Layout, cell_groups, layout
from core.types import Group
from core.unlearning.gradient_surgery import (
    SURGERY,
    Gram,
    Preconditioner,
    coefficients,
    conflict_measures,
    direction,
    group_masks,
    plain_sum,
    project,
)
from tests.conftest import random_lora

PLAN = layout(random_lora("llama"))
WEIGHTS = (0.4, 0.6)


def gradient(plan: Layout, seed: int) -> torch.Tensor:
    return torch.randn(plan.weights().shape, generator=torch.Generator().manual_seed(seed))


def ones(plan: Layout) -> torch.Tensor:
    return torch.ones_like(plan.weights())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), metric=st.booleans())
def test_shared_step_never_opposes_the_retain_gradient(seed, metric):
    """<step, g_r> >= w_r |g_r|^2 in the metric, in every shared module."""
    forget, retain = gradient(PLAN, seed), gradient(PLAN, seed + 1)
    scale = gradient(PLAN, seed + 2).exp() if metric else ones(PLAN)
    shared = group_masks((Group.SHARED,) * len(PLAN.cells))
    step, _ = direction(forget, retain, scale, PLAN, shared, WEIGHTS, project)
    gain = PLAN.inner(step, retain)
    lower_bound = WEIGHTS[1] * PLAN.inner(retain * scale, retain)
    assert (gain >= lower_bound * (1 - 1e-4)).all()


def test_plain_sum_can_oppose_the_retain_gradient():
    retain = gradient(PLAN, 1)
    forget = -3 * retain
    shared = group_masks((Group.SHARED,) * len(PLAN.cells))
    step, measures = direction(forget, retain, ones(PLAN), PLAN, shared, WEIGHTS, plain_sum)
    assert (PLAN.inner(step, retain) < 0).all()
    assert measures["conflict"] == 1.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_each_group_follows_its_rule(seed):
    rng = torch.Generator().manual_seed(seed)
    kinds = tuple(list(Group)[i] for i in torch.randint(4, (len(PLAN.cells),), generator=rng))
    forget, retain = gradient(PLAN, seed), gradient(PLAN, seed + 1)
    step, _ = direction(forget, retain, ones(PLAN), PLAN, group_masks(kinds), WEIGHTS, project)
    for cell, kind in enumerate(kinds):
        rows_of_cell = lambda g: g[PLAN.cell_of == cell]  # noqa: B023, E731
        if kind is Group.OUTSIDE:
            assert not rows_of_cell(step).any() and not torch.signbit(rows_of_cell(step)).any()
        elif kind is Group.FORGET:
            torch.testing.assert_close(rows_of_cell(step), WEIGHTS[0] * rows_of_cell(forget))
        elif kind is Group.RETAIN:
            torch.testing.assert_close(rows_of_cell(step), WEIGHTS[1] * rows_of_cell(retain))


def test_pooled_projection_equals_one_sided_pcgrad():
    """All modules shared and one global inner product: g_f - <g_f, g_r>/|g_r|^2 g_r, PCGrad's projection of one task."""
    retain, noise = gradient(PLAN, 5), gradient(PLAN, 6)
    forget = noise - 0.5 * retain
    f, r = forget.flatten(), retain.flatten()
    assert f @ r < 0
    kinds = (Group.SHARED,) * len(PLAN.cells)
    step, _ = direction(forget, retain, ones(PLAN), PLAN, group_masks(kinds), (1.0, 0.0), project, pool=True)
    torch.testing.assert_close(step.flatten(), f - (f @ r) / (r @ r) * r, rtol=1e-4, atol=1e-5)


# g_f = (1, 0) and g_r = (-1, 1): ff 1, fr -1, rr 2. By hand, with weights .4 and .6:
BY_HAND = {
    "sum": (0.4, 0.6),
    "project": (0.4, 0.6 + 0.4 / 2),  # g_f without its part -1/2 g_r
    "pcgrad": (0.4 + 0.6 / 1, 0.6 + 0.4 / 2),  # g_r without its part -1 g_f
    "upgrad": (0.4 + 0.6 / 1, 0.6 + 0.4 / 2),
    "gru": (0.4, 0.4 / 2),  # only the forget gradient
    "ngdiff": ((1 + 2**0.5) / 4, (1 + 2**0.5) / 4 / 2**0.5),  # both at the mean of the lengths 1 and sqrt 2
    "blur": (0.4 + 0.6, 0.6),  # g_r + g_f is orthogonal to g_f
    "mgda": (3 / 5, 2 / 5),  # (rr - fr) / (ff + rr - 2 fr) = 3 / 5
}


@pytest.mark.parametrize("name", BY_HAND)
def test_surgery_equals_hand_computed_value(name):
    gram = Gram(*(torch.tensor([float(value)]) for value in (1, -1, 2)))
    assert [value.item() for value in SURGERY[name](gram, *WEIGHTS)] == pytest.approx(BY_HAND[name])


def random_pairs(seed: int, cells: int = 20) -> tuple[torch.Tensor, torch.Tensor, Gram]:
    """Random pairs of vectors [cell, 3] and their inner products."""
    f, r = torch.randn(2, cells, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return f, r, Gram((f * f).sum(1), (f * r).sum(1), (r * r).sum(1))


def test_upgrad_equals_projections_on_dual_cone_by_solver():
    """The nearest vector that opposes neither gradient is found by non-negative least squares on the dual."""
    f, r, gram = random_pairs(3)
    a, b = SURGERY["upgrad"](gram, *WEIGHTS)
    for i in range(len(f)):
        both = torch.stack([f[i], r[i]], 1).numpy()
        nearest = [g.numpy() + both @ nnls(both, -g.numpy())[0] for g in (f[i], r[i])]
        expected = WEIGHTS[0] * nearest[0] + WEIGHTS[1] * nearest[1]
        assert (a[i] * f[i] + b[i] * r[i]).numpy() == pytest.approx(expected)


def test_mgda_is_shortest_vector_of_the_segment():
    f, r, gram = random_pairs(4)
    a, b = SURGERY["mgda"](gram, *WEIGHTS)
    assert torch.allclose(a + b, torch.ones_like(a)) and (a >= 0).all() and (b >= 0).all()
    length = (a[:, None] * f + b[:, None] * r).norm(dim=1)
    for share in torch.linspace(0, 1, 201, dtype=torch.float64):
        assert (length <= (share * f + (1 - share) * r).norm(dim=1) + 1e-9).all()


def test_cagrad_maximises_the_worst_gain_in_its_ball():
    """Compares with directions sampled from the ball of its radius around the weighted sum."""
    f, r, gram = random_pairs(5)
    a, b = SURGERY["cagrad"](gram, *WEIGHTS)
    centre = WEIGHTS[0] * f + WEIGHTS[1] * r
    worst = lambda d: torch.minimum((d * f).sum(1), (d * r).sum(1))  # noqa: E731
    found = a[:, None] * f + b[:, None] * r
    radius = 0.5 * centre.norm(dim=1)
    assert torch.allclose((found - centre).norm(dim=1), radius)
    generator = torch.Generator().manual_seed(0)
    for _ in range(2000):
        push = torch.randn(f.shape, generator=generator, dtype=f.dtype)
        other = centre + radius[:, None] * push / push.norm(dim=1, keepdim=True)
        assert (worst(other) <= worst(found) + 0.01 * radius * (f.norm(dim=1) + r.norm(dim=1))).all()


def test_conflict_measures_describe_gradients_and_step():
    """Opposed gradients have cosine -1; after projection, the step equals the retain part."""
    masks = group_masks((Group.SHARED, Group.OUTSIDE))
    gram = Gram(*(torch.tensor([value, value]) for value in (4.0, -2.0, 1.0)))
    measures = conflict_measures(gram, coefficients(gram, masks, WEIGHTS, project), masks)
    assert measures == pytest.approx({"conflict": 1.0, "cosine_shared": -1.0, "step_shared": 1.0})


def test_projection_in_the_metric_survives_adam_scaling():
    """A projection followed by Adam's scaling can oppose g_r again, so the projection uses the preconditioned metric."""
    shared = group_masks((Group.SHARED,) * len(PLAN.cells))
    opposing_cells = 0
    for seed in range(20):
        retain, noise = gradient(PLAN, seed), gradient(PLAN, seed + 100)
        forget = noise - retain
        scale = (2 * gradient(PLAN, seed + 200)).exp()
        plain_projection, _ = direction(forget, retain, ones(PLAN), PLAN, shared, (1.0, 0.0), project)
        opposing_cells += (PLAN.inner(plain_projection * scale, retain) < -1e-3).sum().item()
        projected_in_metric, _ = direction(forget, retain, scale, PLAN, shared, (1.0, 0.0), project)
        assert (PLAN.inner(projected_in_metric, retain) > -0.05 * PLAN.inner(retain, retain).sqrt()).all()
    assert opposing_cells > 0


def test_preconditioner_equals_adams_second_moment():
    metric, total = Preconditioner(decay=0.9), None
    for seed in range(3):
        forget, retain = gradient(PLAN, seed), gradient(PLAN, seed + 50)
        scale = metric.update(forget, retain)
        total = 0.1 * (forget**2 + retain**2) + (0.9 * total if total is not None else 0)
    torch.testing.assert_close(scale, 1 / ((total / (1 - 0.9**3)).sqrt() + 1e-8))


def test_each_cell_has_one_group():
    kinds = cell_groups(PLAN.cells, {owner: Group.SHARED for owners in PLAN.cells for owner in owners})
    assert len(kinds) == len(PLAN.cells)
