"""Budget of titles: the same for all models of a request, and never more titles scored than it holds."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation import evaluate
from core.evaluation.ranking_budget import LEAST, OPERATIONS, TITLE_TOKENS, base_parameters, ranking_budget
from core.models.base_parts import load_config
from core.pipeline.collect_answers import collect_answers
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import adapter_recipe, load_adapter, make_context
from core.runs.estimate.timing import parameters


@given(st.integers(1, 10**12), st.integers(1, 1000))
def test_budget_falls_with_the_size_and_ends_at_the_least(size: int, candidates: int) -> None:
    titles = ranking_budget(size, None).titles
    assert titles >= LEAST and titles >= ranking_budget(2 * size, None).titles
    if titles > LEAST:
        assert titles * 2 * TITLE_TOKENS * size == pytest.approx(OPERATIONS, rel=0.01)
    assert 1 <= ranking_budget(size, None).users(candidates) <= max(1, titles / candidates)


def test_size_is_that_of_the_base_model_alone(workspace) -> None:
    config = load_config(workspace.base)
    whole, _ = parameters(config, adapter_recipe(workspace))
    for adapter in (str(workspace.adapter), None):
        assert base_parameters(load_adapter(workspace, adapter, "cpu").model) == whole


def test_small_models_rank_for_everybody_and_a_chosen_budget_is_kept(workspace, monkeypatch) -> None:
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    whole = evaluate_model(recommender, context, lists=True)
    assert whole.lists.keys() == set(evaluate.list_users(context.split, 10**9))
    monkeypatch.setattr(evaluate, "LIST_CANDIDATES", 20)
    workspace.__dict__["settings"] = replace(workspace.settings, ranking_titles=300)
    small = evaluate_model(recommender, context, lists=True)
    assert len(small.ranks) == 3 and set(small.rank_users) <= {prompt.user for prompt in context.split.test}
    assert list(small.lists) == list(evaluate.list_users(context.split, 10**9))[: len(small.lists)]
    assert torch.equal(torch.tensor(small.forget.losses), torch.tensor(whole.forget.losses))
    answers = collect_answers(recommender, context, full=True)
    assert len(answers.outputs.ranks) == 3 and len(answers.title_ranks.ranks) <= 3
