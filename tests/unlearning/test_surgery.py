"""The invariants of method section 5, over random gradients and every model family."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.models.blocks import Layout, cell_groups, layout
from core.types import Group
from core.unlearning.surgery import SURGERY, Preconditioner, direction, project
from tests.conftest import random_lora

PLAN = layout(random_lora("llama"))
WEIGHTS = (0.4, 0.6)


def gradient(plan: Layout, seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(p.shape, generator=generator, dtype=torch.float32) for name, p in plan.parameters.items()}


def ones(plan: Layout) -> dict[str, torch.Tensor]:
    return {name: torch.ones_like(p) for name, p in plan.parameters.items()}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), metric=st.booleans())
def test_a_shared_step_never_works_against_the_retain_gradient(seed, metric):
    """<step, g_r> >= w_r |g_r|^2 in the metric, on every shared module."""
    forget, retain = gradient(PLAN, seed), gradient(PLAN, seed + 1)
    scale = {name: value.exp() for name, value in gradient(PLAN, seed + 2).items()} if metric else ones(PLAN)
    shared = (Group.SHARED,) * len(PLAN.cells)
    step, _ = direction(forget, retain, scale, PLAN, shared, WEIGHTS, project)
    gain = PLAN.inner(step, retain)
    least = WEIGHTS[1] * PLAN.inner({n: retain[n] * scale[n] for n in retain}, retain)
    assert (gain >= least * (1 - 1e-4)).all()


def test_without_surgery_the_invariant_can_break():
    retain = gradient(PLAN, 1)
    forget = {name: -3 * value for name, value in retain.items()}
    step, conflict = direction(
        forget, retain, ones(PLAN), PLAN, (Group.SHARED,) * len(PLAN.cells), WEIGHTS, SURGERY["sum"]
    )
    assert (PLAN.inner(step, retain) < 0).all()
    assert conflict == 1.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_each_group_follows_its_own_rule(seed):
    rng = torch.Generator().manual_seed(seed)
    kinds = tuple(list(Group)[i] for i in torch.randint(4, (len(PLAN.cells),), generator=rng))
    forget, retain = gradient(PLAN, seed), gradient(PLAN, seed + 1)
    step, _ = direction(forget, retain, ones(PLAN), PLAN, kinds, WEIGHTS, project)
    for name in step:
        for cell, kind in enumerate(kinds):
            rows = (PLAN.index[name] == cell).nonzero()[:, 0]
            cut = lambda g: g[name].index_select(PLAN.dims[name], rows)  # noqa: B023, E731
            if kind is Group.OUTSIDE:
                assert not cut(step).any() and not torch.signbit(cut(step)).any()
            elif kind is Group.FORGET:
                torch.testing.assert_close(cut(step), WEIGHTS[0] * cut(forget))
            elif kind is Group.RETAIN:
                torch.testing.assert_close(cut(step), WEIGHTS[1] * cut(retain))


def test_one_global_cell_equals_one_sided_pcgrad():
    """All shared with one global inner product: g_f - <g_f, g_r>/|g_r|^2 g_r, as PCGrad projects one task."""
    index = {name: torch.zeros_like(i) for name, i in PLAN.index.items()}
    whole = Layout(PLAN.blocks, (("all",),), PLAN.parameters, index, PLAN.dims)
    retain = gradient(PLAN, 5)
    noise = gradient(PLAN, 6)
    forget = {name: noise[name] - 0.5 * retain[name] for name in retain}
    flat = lambda g: torch.cat([g[name].flatten() for name in g])  # noqa: E731
    f, r = flat(forget), flat(retain)
    assert f @ r < 0
    expected = f - (f @ r) / (r @ r) * r
    torch.testing.assert_close(flat(project(forget, retain, ones(PLAN), whole)[0]), expected, rtol=1e-4, atol=1e-5)


def test_adam_scaling_undoes_a_plain_projection_and_the_metric_does_not():
    """Why the projection is taken in the preconditioned metric: scaled afterwards, the step can oppose g_r again."""
    shared = (Group.SHARED,) * len(PLAN.cells)
    undone = 0
    for seed in range(20):
        retain, noise = gradient(PLAN, seed), gradient(PLAN, seed + 100)
        forget = {name: noise[name] - retain[name] for name in retain}
        scale = {name: (2 * value).exp() for name, value in gradient(PLAN, seed + 200).items()}
        plain, _ = direction(forget, retain, ones(PLAN), PLAN, shared, (1.0, 0.0), project)
        undone += (PLAN.inner({n: plain[n] * scale[n] for n in plain}, retain) < -1e-3).sum().item()
        kept, _ = direction(forget, retain, scale, PLAN, shared, (1.0, 0.0), project)
        assert (PLAN.inner(kept, retain) > -0.05 * PLAN.inner(retain, retain).sqrt()).all()
    assert undone > 0


def test_the_preconditioner_is_adams_second_moment():
    metric, total = Preconditioner(decay=0.9), None
    for seed in range(3):
        forget, retain = gradient(PLAN, seed), gradient(PLAN, seed + 50)
        scale = metric.update(forget, retain)
        fresh = {name: forget[name] ** 2 + retain[name] ** 2 for name in forget}
        total = {n: 0.1 * fresh[n] + (0.9 * total[n] if total else 0) for n in fresh}
    for name in scale:
        torch.testing.assert_close(scale[name], 1 / ((total[name] / (1 - 0.9**3)).sqrt() + 1e-8))


def test_cell_groups_are_disjoint_and_cover():
    kinds = cell_groups(PLAN.cells, {owner: Group.SHARED for owners in PLAN.cells for owner in owners})
    assert len(kinds) == len(PLAN.cells)
