"""Candidate ranking: scores from the shared prefix cache equal scores of full prompts."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from core.data.readers import read
from core.evaluation.evaluate import top_list
from core.evaluation.predictions import predict
from core.evaluation.ranking import score_candidates
from core.models.batching import answer_logits, collate
from core.pipeline.context import load_adapter, make_context
from core.pipeline.prepare import prepare
from core.types import Interaction, Prompt, Task
from core.workspace import WorkspaceSettings
from tests.circuit.conftest import CONFIGS, random_recommender
from tests.conftest import TINY, tiny_workspace
from tests.models.adapter_folders import CASES


def load_recommender(workspace):
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, None, recommender.tokenizer)
    return recommender, context


@pytest.fixture(scope="module")
def next_item(tmp_path_factory):
    return tiny_workspace(tmp_path_factory.mktemp("next") / "workspace", Task.NEXT_ITEM)


@pytest.fixture(params=["workspace", "next_item"])
def either_task(request):
    return request.getfixturevalue(request.param)


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


def test_models_that_are_asked_the_same_share_the_tokens_and_answer_as_before(either_task):
    """A second model needs no tokenizer, and no kept tokens reach a setup with other words."""
    recommender, context = load_recommender(either_task)
    asked, kept = [], context.prompt_setup

    def encode(prompts):
        asked.extend(prompts)
        return context.encode(prompts)

    kept, prompt, items = replace(kept, encode=encode), context.split.test[0], list(either_task.items)[:9]

    def answers(setup):
        return score_candidates(recommender, prompt, items, setup), predict(recommender, [prompt], setup).margins

    first = answers(kept)
    before = len(asked)
    for one, again, alone in zip(first, answers(kept), answers(replace(kept, encode=context.encode)), strict=True):
        np.testing.assert_array_equal(one, again)
        np.testing.assert_array_equal(one, alone)
    assert 0 < before == len(asked)
    score_candidates(recommender, prompt, items[:8], kept)  # another question
    answers(replace(kept, encode=encode))  # other words, perhaps
    assert len(asked) > 2 * before


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


@pytest.mark.parametrize("family", CONFIGS)
def test_scores_of_every_family_equal_full_prompt_scores(either_task, family):
    """Also where a sliding window is shorter than the prompt (mistral, gemma2, gemma3)."""
    known, context = load_recommender(either_task)
    recommender = random_recommender(family, known)
    prompt = max((one for part in context.split.test for one in part.singles), key=lambda one: len(one.events))
    items = list(either_task.items)[:5]
    encoded = context.encode([with_candidate(prompt, item) for item in items])
    assert min(len(one.ids) for one in encoded) > 5 * 6  # the windows of CONFIGS hold 6 tokens
    slow = [full_prompt_score(recommender, one) for one in encoded]
    fast = score_candidates(recommender, prompt, items, context.prompt_setup)
    np.testing.assert_allclose(fast, slow, atol=1e-4)
    assert np.std(slow) > 1e-2


def full_prompt_score(recommender, encoded) -> float:
    """Score of a candidate whose whole prompt is read at once, without a cache."""
    batch = collate([encoded])
    with torch.no_grad():
        logits = answer_logits(recommender.model, batch)
    if recommender.task is Task.CLICK:
        return float(logits[-1, recommender.yes] - logits[-1, recommender.no])
    return logits.log_softmax(-1).gather(1, batch.tokens[:, None]).mean().item()


@pytest.mark.parametrize("name", ["mistral-sw", "gemma2-nokey", "gemma3-nokey"])
@pytest.mark.skipif(not CASES.is_dir(), reason="../shared/data/cases is not on this machine")
def test_case_of_a_window_shorter_than_the_prompt(tmp_path, name):
    folder = CASES / "13-sliding-window"
    settings = WorkspaceSettings(name, "test", base=str(folder / name), window=12, epochs=1, rank=2)
    made = prepare(read(f"csv:{folder / 'good.csv'}"), tmp_path / "ws", settings, TINY, lambda *_: False)
    recommender, context = load_recommender(made)
    prompt = max((one for part in context.split.test for one in part.singles), key=lambda one: len(one.events))
    items = list(made.items)[:5]
    encoded = context.encode([with_candidate(prompt, item) for item in items])
    assert min(len(one.ids) for one in encoded) > 64  # the window
    fast = score_candidates(recommender, prompt, items, context.prompt_setup)
    np.testing.assert_allclose(fast, [full_prompt_score(recommender, one) for one in encoded], atol=1e-4)


@pytest.mark.parametrize("task", ["click"])
def test_ranking_twice_gives_the_same_scores(workspace, task):
    recommender, context = load_recommender(workspace)
    prompt, items = context.split.test[0], list(workspace.items)[:9]
    first = score_candidates(recommender, prompt, items, context.prompt_setup)
    np.testing.assert_array_equal(first, score_candidates(recommender, prompt, items, context.prompt_setup))
