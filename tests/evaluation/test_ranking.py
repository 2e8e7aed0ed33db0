"""Candidate ranking: scores from the shared prefix cache equal scores of full prompts."""

import numpy as np
import pytest
import torch

from core.evaluation.evaluate import top_list
from core.evaluation.ranking import score_candidates
from core.models.batching import answer_logits, collate
from core.pipeline.context import load_adapter, make_context
from core.types import Interaction, Prompt, Task
from tests.conftest import tiny_workspace


def load_recommender(workspace):
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, None, recommender.tokenizer)
    return recommender, context


def with_candidate(prompt: Prompt, item: str) -> Prompt:
    return Prompt(prompt.user, (*prompt.events[:-1], Interaction(prompt.user, item, True, 0)), len(prompt.events) - 1)


def test_click_scores_equal_full_prompt_scores(workspace):
    recommender, context = load_recommender(workspace)
    prompt, items = context.split.test[0], list(workspace.items)[:9]
    fast = score_candidates(recommender, prompt, items, context.prompt_setup)
    with torch.no_grad():
        logits = [
            answer_logits(recommender.model, collate(context.encode([with_candidate(prompt, item)])))[0]
            for item in items
        ]
    slow = [float(row[recommender.yes] - row[recommender.no]) for row in logits]
    np.testing.assert_allclose(fast, slow, atol=1e-4)
    assert np.std(slow) > 0


def test_next_item_scores_equal_full_prompt_scores(tmp_path):
    workspace = tiny_workspace(tmp_path / "next", Task.NEXT_ITEM)
    recommender, context = load_recommender(workspace)
    prompt, items = next(p for p in context.split.test if len(p.events) > 3), list(workspace.items)[:9]
    fast = score_candidates(recommender, prompt, items, context.prompt_setup)
    slow = []
    for item in items:
        batch = collate(context.encode([with_candidate(prompt, item)]))
        with torch.no_grad():
            logs = answer_logits(recommender.model, batch).log_softmax(-1)
        slow.append(logs.gather(1, batch.tokens[:, None]).mean().item())
    np.testing.assert_allclose(fast, slow, atol=1e-4)
    assert np.std(slow) > 0


def test_top_list_omits_items_in_the_history(workspace):
    recommender, context = load_recommender(workspace)
    history = context.split.retain[0].events
    shown = top_list(recommender, history, context.prompt_setup, workspace.items)
    assert len(shown) == 10
    assert not {entry.item for entry in shown} & {event.item for event in history}
    assert [entry.score for entry in shown] == sorted((entry.score for entry in shown), reverse=True)


@pytest.mark.parametrize("task", ["click"])
def test_ranking_twice_gives_the_same_scores(workspace, task):
    recommender, context = load_recommender(workspace)
    prompt, items = context.split.test[0], list(workspace.items)[:9]
    first = score_candidates(recommender, prompt, items, context.prompt_setup)
    np.testing.assert_array_equal(first, score_candidates(recommender, prompt, items, context.prompt_setup))
