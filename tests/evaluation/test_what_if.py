"""What-if scores: equal to the plain ranking with no module off, and to the patched run otherwise."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core.circuit.attribution import attribute_pairs
from core.circuit.hooks import ActivationCache, hooked
from core.circuit.patching import ModulesPatch, run_module_circuits
from core.circuit.prompt_pairs import PromptPair
from core.evaluation.direct_effects import direct_effects
from core.evaluation.evaluate import candidates, open_prompt
from core.evaluation.ranking import candidate_prompts, score_candidates
from core.evaluation.what_if import UserScenario, WhatIf
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter, make_context
from core.types import Task
from core.workspace import Workspace
from tests.circuit.conftest import CONFIGS, random_recommender
from tests.conftest import tiny_workspace

DEMO = Path(__file__).parents[2] / "assets/demo"
N_CANDIDATES = 12  # candidates that are compared one at a time


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    workspace = Workspace(DEMO)
    return load_adapter(workspace, str(workspace.adapter), "cpu")


@pytest.fixture(scope="module")
def context(recommender: Recommender) -> RequestContext:
    workspace = Workspace(DEMO)
    return make_context(workspace, workspace.request("req-demo"), recommender.tokenizer)


@pytest.fixture(scope="module")
def what_if(recommender: Recommender, context: RequestContext) -> WhatIf:
    return context.what_if(recommender)


@pytest.fixture(scope="module")
def history(context: RequestContext):
    return context.histories[context.request.users[0]]


def prompt_pairs(scenario: UserScenario, prompt_setup) -> list[PromptPair]:
    """Pair the full prompt of each of the first candidates with its counterfactual prompt."""
    found = []
    for encoded in prompt_setup.encode(candidate_prompts(scenario.prompt, scenario.candidates[:N_CANDIDATES])):
        ids = encoded.ids[: encoded.answers[-1][0]]
        other = (*scenario.corrupted_ids, *ids[scenario.shared :])
        yes, no = scenario.what_if.recommender.yes, scenario.what_if.recommender.no
        found.append(PromptPair(ids, other, yes, no, "mine", ()))
    return found


def ablations(modules) -> list[tuple[str, ...]]:
    return [(), modules[:1], modules[2:5], modules[-1:], tuple(modules)]


def test_scores_without_ablation_equal_plain_ranking(what_if, history, context, recommender):
    plain = score_candidates(
        recommender,
        open_prompt(history, context.prompt_setup),
        candidates(history, context.prompt_setup),
        context.prompt_setup,
    )
    np.testing.assert_allclose(what_if.for_user(history).scores(), plain, atol=1e-4)


@pytest.mark.parametrize("family", ["demo", *CONFIGS])
def test_scores_equal_patched_run(family, recommender, context, history):
    model = recommender if family == "demo" else random_recommender(family, recommender)
    what_if = context.what_if(model)
    scenario = what_if.for_user(history)
    pairs, modules = prompt_pairs(scenario, context.prompt_setup), what_if.parts.modules
    assert all(pair.ids != pair.corrupted for pair in pairs)
    exact = run_module_circuits(model.model, pairs, [set(modules) - set(off) for off in ablations(modules)]).numpy()
    what_if_scores = np.stack([scenario.scores(dict.fromkeys(off, 0.0))[:N_CANDIDATES] for off in ablations(modules)])
    np.testing.assert_allclose(what_if_scores, exact, atol=2e-4 * max(1.0, np.abs(exact).max()))
    assert np.abs(exact[0] - exact[-1]).max() > 1e-2


def test_layers_before_the_first_steered_module_run_once(what_if, history):
    """And afterwards the model is as it was: its own ranking, all layers of it."""
    scenario, modules, seen = what_if.for_user(history), what_if.parts.modules, []
    scenario.scores({modules[-1]: 0.0})
    with what_if.parts.layers[0].mlp.register_forward_hook(lambda *_: seen.append(0)):
        one = scenario.scores({modules[-1]: 0.0})
        assert not seen
        both = scenario.scores({modules[-1]: 0.0, modules[0]: 0.0})
        assert len(seen) == 1 + len(scenario.tails)
    assert np.abs(one - both).max() > 1e-3
    assert not any("forward" in layer.block.__dict__ for layer in what_if.parts.layers)


@pytest.mark.parametrize(("module", "strength"), [("m2", 2.5), ("m0", -1.0), ("a1.h3", 3.0), ("a0.h2", -2.0)])
def test_steered_scores_equal_scaled_outputs(module, strength, what_if, recommender, context, history):
    """Steers with plain PyTorch hooks on the full prompt, one candidate at a time."""
    scenario, parts = what_if.for_user(history), what_if.parts
    steered = scenario.scores({module: strength})[:N_CANDIDATES]
    layer, _, head = module[1:].partition(".h")
    part = parts.layers[int(layer)].attention_out if head else parts.layers[int(layer)].mlp_write
    columns = slice(int(head) * parts.d_head, (int(head) + 1) * parts.d_head) if head else slice(None)
    kept: list[torch.Tensor] = []

    def record(value):
        kept[:] = [value.detach().clone()]
        return value

    def scale(value):
        value, other = value.clone(), kept[0]
        value[..., columns] = other[..., columns] + strength * (value - other)[..., columns]
        return value

    for index, pair in enumerate(prompt_pairs(scenario, context.prompt_setup)):
        for ids, change in ((pair.corrupted, record), (pair.ids, scale)):
            hook = (
                part.register_forward_pre_hook(lambda _, args, change=change: (change(args[0]), *args[1:]))
                if head
                else part.register_forward_hook(lambda _, args, out, change=change: change(out))
            )
            with hook, torch.no_grad():
                logits = recommender.model(torch.tensor([ids])).logits[0, -1].float()
        assert steered[index] == pytest.approx((logits[pair.right] - logits[pair.wrong]).item(), abs=2e-4)
    assert np.abs(steered - scenario.scores()[:N_CANDIDATES]).max() > 1e-3


def test_next_item_scores_equal_patched_full_prompt(tmp_path):
    workspace = tiny_workspace(tmp_path / "next", Task.NEXT_ITEM)
    recommender = load_adapter(workspace, str(workspace.root / "adapter"), "cpu")
    context = make_context(workspace, None, recommender.tokenizer)
    history = context.histories[workspace.user_split.training_users[0]]
    what_if = context.what_if(recommender)
    scenario, parts = what_if.for_user(history), what_if.parts
    plain = score_candidates(
        recommender, open_prompt(history, context.prompt_setup), scenario.candidates, context.prompt_setup
    )
    np.testing.assert_allclose(scenario.scores(), plain, atol=1e-4)
    off = parts.modules[1:4]
    for index, encoded in enumerate(
        context.prompt_setup.encode(candidate_prompts(scenario.prompt, scenario.candidates))
    ):
        start, stop = encoded.answers[-1]
        record, kept = ActivationCache(), set(parts.modules) - set(off)
        with torch.no_grad():
            with hooked(parts, record, stop - start + 1):
                recommender.model(torch.tensor([(*scenario.corrupted_ids, *encoded.ids[scenario.shared : stop])]))
            with hooked(parts, ModulesPatch(parts, record, what_if.weights, kept), stop - start + 1):
                logits = recommender.model(torch.tensor([encoded.ids[:stop]])).logits[0, start - 1 : -1].float()
        whole = logits.log_softmax(-1).gather(1, torch.tensor(encoded.ids[start:stop])[:, None]).mean().item()
        assert scenario.scores(dict.fromkeys(off, 0.0))[index] == pytest.approx(whole, abs=1e-4)


def test_scores_without_a_title_equal_shorter_history(what_if, history, context, recommender):
    prompt = open_prompt(history, context.prompt_setup)
    shorter = replace(prompt, events=prompt.events[1:3] + prompt.events[4:], first_target=prompt.first_target - 2)
    plain = score_candidates(recommender, shorter, candidates(history, context.prompt_setup), context.prompt_setup)
    np.testing.assert_allclose(what_if.for_user(history, {0, 3}).scores(), plain, atol=1e-4)


def test_history_without_titles_is_refused(what_if, history):
    with pytest.raises(ValueError, match="leave one in"):
        what_if.for_user(history[:2], {0, 1})


def test_replacement_items_are_unseen_and_keep_token_positions(what_if, history, context):
    scenario = what_if.for_user(history)
    prompt = open_prompt(history, context.prompt_setup)
    found = what_if.donors(prompt)
    assert len(found) > len(history[-23:]) / 2
    assert not {event.item for event in history} & set(found.values())
    (encoded,) = context.prompt_setup.encode(candidate_prompts(prompt, scenario.candidates[:1]))
    inside = {position for start, stop in encoded.spans[:-1] for position in range(start, stop)}
    pairs = enumerate(zip(scenario.clean_ids, scenario.corrupted_ids, strict=True))
    differing = {position for position, (clean, other) in pairs if clean != other}
    assert differing and differing <= inside


def test_direct_effects_equal_edges_into_the_logits(what_if, history, context, recommender):
    """Compares with plain EAP edges from each module to the logits, one candidate at a time."""
    scenario = what_if.for_user(history)
    effects = scenario.effects()[:, :N_CANDIDATES]
    for column, pair in enumerate(prompt_pairs(scenario, context.prompt_setup)):
        edges = attribute_pairs(recommender.model, [pair], 1, "clean").edges[1:, -1]
        np.testing.assert_allclose(effects[:, column], -edges.numpy(), atol=1e-4)


def test_direct_effects_list_raised_and_lowered_titles(what_if, context):
    histories = [context.histories[user] for user in context.request.users]
    found = direct_effects(what_if, histories)
    assert tuple(row.module for row in found) == what_if.parts.modules
    effects = [(scenario, scenario.effects()) for scenario in map(what_if.for_user, histories)]
    for position, row in enumerate(found):
        for sign, titles in ((1, row.raised), (-1, row.lowered)):
            scores = [sign * one.score for one in titles]
            assert scores == sorted(scores, reverse=True) and all(score > 0 for score in scores)
        for one in (*row.raised[:1], *row.lowered[:1]):
            values = [here[position][p.candidates.index(one.item)] for p, here in effects if one.item in p.candidates]
            assert one.score == pytest.approx(np.mean(values), abs=1e-6) and len(values) * 2 >= len(effects)
    assert sum(len(row.raised) for row in found) > len(found)


def test_what_if_does_not_change_the_model(what_if, history, context, recommender):
    prompt, some_items = open_prompt(history, context.prompt_setup), candidates(history, context.prompt_setup)[:5]
    before = score_candidates(recommender, prompt, some_items, context.prompt_setup)
    what_if.for_user(history).top({"m0": 0.0})
    assert np.array_equal(before, score_candidates(recommender, prompt, some_items, context.prompt_setup))
