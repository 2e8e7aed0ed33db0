"""Counterfactual prompts: replaced titles, unchanged positions, donors, and cuts of next-item prompts."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.circuit.counterfactuals import find_prompt_pairs
from core.circuit.donors import replace_items
from core.circuit.hooks import metrics
from core.circuit.pagerank import ItemGraph
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, MEAN, batches
from core.errors import RunError
from core.models.families import anatomy
from core.types import Encoded, Interaction, Item, Prompt

YES, NO, QUOTE, START = 1, 2, 3, 4
ITEMS = [f"i{number:02}" for number in range(80)]
CATALOGUE = [Item(item, f"title {item}") for item in ITEMS]


def title(item):
    """Token ids of a title: one to three; every third longer title shares its first token with the title before."""
    number = ITEMS.index(item)
    tokens = [10 + number - number % 3 // 2, 100 + number, 200 + number][: 1 + number // 4 % 3]
    return tokens if len(tokens) > 1 else [300 + number]


def encode(prompts, click=True):
    """Encode prompts: START, then for each event its title and QUOTE, and for the click task the answer."""
    encoded = []
    for prompt in prompts:
        ids, spans, answers = [START], [], []
        for event in prompt.events:
            spans.append((len(ids), len(ids) + len(title(event.item))))
            ids += [*title(event.item), QUOTE]
            answers.append((len(ids), len(ids) + 1) if click else spans[-1])
            ids += [YES if event.liked else NO] if click else []
        targets = slice(prompt.first_target, None)
        labels = tuple(event.liked for event in prompt.targets)
        encoded.append(Encoded(tuple(ids), tuple(spans), tuple(answers[targets]), labels))
    return encoded


def encode_titles(prompts):
    return encode(prompts, click=False)


def events(user, items):
    """Interactions of a user with items, in time order."""
    return tuple(Interaction(user, item, index % 3 > 0, index) for index, item in enumerate(items))


@pytest.fixture(scope="module")
def interactions():
    """Interactions of forty users in two groups that meet different items."""
    random = np.random.default_rng(0)
    halves = ITEMS[::2], ITEMS[1::2]
    return [
        event
        for user in range(40)
        for event in events(f"u{user}", random.choice(halves[user % 2], 12, replace=False).tolist())
    ]


@pytest.fixture(scope="module")
def prompts(interactions):
    histories = [[event for event in interactions if event.user == f"u{user}"] for user in range(10)]
    return [Prompt(events[0].user, tuple(events), len(events) - 1) for events in histories]


@pytest.fixture(scope="module")
def llama(build_model):
    """A random Llama with larger attention weights, so that the history affects its answers."""
    model = build_model("llama")
    with torch.no_grad():
        for layer in anatomy(model).layers:
            for projection in (layer.q, layer.k, layer.v):
                projection.linear.weight.mul_(4)
            layer.attention_out.weight.mul_(4)
    return model


@pytest.fixture(scope="module")
def click_pairs(llama, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO))
    assert len(found) == len(prompts) and dropped == 0
    return found


def test_counterfactual_keeps_template_target_and_positions(click_pairs, prompts):
    for pair, prompt, encoded in zip(click_pairs, prompts, encode(prompts), strict=True):
        assert pair.ids == encoded.ids[:-1]
        assert len(pair.corrupted) == len(pair.ids)
        inside = {position for span in pair.spans for position in range(*span)}
        assert pair.spans and set(pair.spans) <= set(encoded.spans[:-1])
        assert all(
            a == b
            for position, (a, b) in enumerate(zip(pair.ids, pair.corrupted, strict=True))
            if position not in inside
        )
        for start, stop in pair.spans:
            assert pair.ids[start:stop] != pair.corrupted[start:stop]
        assert (pair.right, pair.wrong) == ((YES, NO) if prompt.events[-1].liked else (NO, YES))


def items_of(pair):
    """Items in the replaced spans: those of the clean prompt and those of the counterfactual prompt."""
    by_title = {tuple(title(item)): item for item in ITEMS}
    return [[by_title[ids[start:stop]] for start, stop in pair.spans] for ids in (pair.ids, pair.corrupted)]


def test_pagerank_donor_is_unseen_farther_and_equally_popular(click_pairs, prompts, interactions):
    graph, popularity = ItemGraph(interactions), Counter(event.item for event in interactions)
    decile = {
        item: i * 10 // len(ITEMS) for i, item in enumerate(sorted(ITEMS, key=lambda item: (-popularity[item], item)))
    }
    by_pagerank = [(c, prompt) for c, prompt in zip(click_pairs, prompts, strict=True) if c.strategy == "pagerank"]
    assert len(by_pagerank) > 2
    for pair, prompt in by_pagerank:
        rank = graph.pagerank([prompt.events[-1].item])[:, 0]
        for old, new in zip(*items_of(pair), strict=True):
            assert rank[graph.items[new]] < rank[graph.items[old]]
            assert decile[new] == decile[old]
            assert new not in {event.item for event in prompt.events}


def test_pair_weakens_the_metric_or_replaces_several_titles(llama, click_pairs, prompts, interactions):
    clean, corrupted = (metrics(anatomy(llama), click_pairs, 4, side) for side in (CLEAN, CORRUPTED))
    weakened = (corrupted.abs() <= clean.abs() / 2) | (clean * corrupted < 0)
    assert weakened.any()
    assert all(len(c.spans) > 1 for c, enough in zip(click_pairs, weakened, strict=True) if not enough)


def test_pairs_are_determined_by_the_seed(llama, click_pairs, prompts, interactions):
    again, _ = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO))
    other, _ = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), seed=1)
    assert again == click_pairs
    assert other != click_pairs


def test_next_item_prompt_ends_where_true_and_rival_title_diverge(llama, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode_titles, None)
    assert (len(found), dropped) == (len(prompts), 0)
    titles = [title(item) for item in ITEMS]
    cut_later = 0
    for pair, prompt in zip(found, prompts, strict=True):
        whole = encode_titles([prompt])[0]
        true = [*title(prompt.events[-1].item), QUOTE]
        known = len(pair.ids) - whole.answers[0][0]  # tokens of the true title in the prompt
        cut_later += known > 0
        assert pair.ids == whole.ids[: len(pair.ids)]
        assert pair.right == true[known] != pair.wrong
        assert any((*true[:known], pair.wrong) == tuple([*t, QUOTE][: known + 1]) for t in titles)


def test_prompt_includes_the_tokens_that_both_titles_share(llama):
    """The only unseen item shares its first token with the true item."""
    true, rival = next(
        (a, b) for a in ITEMS for b in ITEMS if a < b and title(a)[0] == title(b)[0] and len(title(a)) > 1
    )
    seen = [item for item in ITEMS if item != rival]
    prompt = Prompt("u", events("u", [*seen[:5], true]), 5)
    interactions = [*events("u", seen), *events("v", ITEMS)]
    (pair,), _ = find_prompt_pairs(llama, [prompt], interactions, CATALOGUE, encode_titles, None) or ((None,), 0)
    assert pair.ids[-1] == title(true)[0] == title(rival)[0]
    assert (pair.right, pair.wrong) == (title(true)[1], title(rival)[1])


def test_prompts_without_history_are_dropped_and_counted(llama, prompts, interactions):
    empty = Prompt("u0", prompts[0].events[-1:], 0)
    found, dropped = find_prompt_pairs(llama, [empty, *prompts[:3], empty], interactions, CATALOGUE, encode, (YES, NO))
    assert (len(found), dropped) == (3, 2)


def test_target_outside_the_graph_falls_back_to_another_user(llama, prompts, interactions):
    prompt = replace(prompts[0], events=(*prompts[0].events[:-1], replace(prompts[0].events[-1], item=ITEMS[0])))
    elsewhere = [event for event in interactions if event.item != ITEMS[0]]
    strategies = ("pagerank", "other_user")
    (pair,), dropped = find_prompt_pairs(
        llama, [prompt], elsewhere, CATALOGUE, encode, (YES, NO), strategies=strategies
    )
    assert pair.strategy == "other_user" and dropped == 0
    donors = set(items_of(pair)[1])
    assert any(donors <= {event.item for event in elsewhere if event.user == f"u{user}"} for user in range(40))
    assert not donors & {event.item for event in elsewhere if event.user == prompt.user}


def test_mean_way_replaces_every_history_title_by_a_mean_embedding(llama, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), strategies=("mean",))
    assert (len(found), dropped) == (len(prompts), 0)
    weight = anatomy(llama).embed.weight
    for pair, prompt in zip(found, prompts, strict=True):
        spans = encode([prompt])[0].spans[:-1]
        inside = {position for span in spans for position in range(*span)}
        assert pair.strategy == "mean" and pair.spans == spans
        assert {position for position, token in enumerate(pair.corrupted) if token == MEAN} == inside
        ((_, batch),) = batches(anatomy(llama), [pair], 1)
        expected = weight[list(pair.average)].mean(0)
        replaced = sorted(inside)
        assert torch.allclose(batch.embeddings(CORRUPTED)[0, replaced], expected.expand(len(replaced), -1), atol=1e-6)
        kept = [position for position in range(len(pair.ids)) if position not in inside]
        assert torch.equal(batch.embeddings(CORRUPTED)[0, kept], batch.embeddings(CLEAN)[0, kept])


def test_pairs_use_only_the_requested_ways(llama, prompts, interactions):
    for strategy in ("pagerank", "other_user"):
        found, _ = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), strategies=(strategy,))
        assert found and {pair.strategy for pair in found} == {strategy}
    with pytest.raises(RunError, match="'noise' is not known"):
        find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), strategies=("pagerank", "noise"))


def test_several_donors_give_several_pairs_for_each_prompt(llama, click_pairs, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), donors=3)
    assert dropped == 0 and [c.prompt for c in found] == [i for i in range(len(prompts)) for _ in range(3)]
    assert [c.prompt for c in click_pairs] == list(range(len(prompts)))
    assert any(len({c.corrupted for c in found if c.prompt == i}) > 1 for i in range(len(prompts)))
    assert len({c.ids for c in found}) == len(prompts)


def test_prompt_slots_are_counted_back_from_the_target(click_pairs, prompts):
    for pair, encoded in zip(click_pairs, encode(prompts), strict=True):
        slots = pair.slots
        assert slots[0] == 0 and slots[-1] == 1 and len(slots) == len(pair.ids)
        for back, (start, stop) in enumerate(reversed(encoded.spans), 1):
            assert set(slots[start:stop]) == {back}


def test_merging_tokenizer_leaves_the_last_token_unchanged(llama, prompts, interactions):
    def encode_merged(prompts):
        """Encode prompts so that the last token before the answer depends on the history."""
        return [replace(e, ids=(*e.ids[:-2], 300 + sum(e.ids[:-2]) % 200, e.ids[-1])) for e in encode(prompts)]

    found, _ = find_prompt_pairs(
        llama, prompts[:4], interactions, CATALOGUE, encode_merged, (YES, NO), strategies=("pagerank", "other_user")
    )
    assert all(pair.ids[-1] == pair.corrupted[-1] for pair in found)


def test_pagerank_handles_a_hundred_thousand_interactions(llama, prompts):
    random = np.random.default_rng(0)
    users, items = random.integers(6000, size=100_000), random.integers(3000, size=100_000)
    graph = ItemGraph([Interaction(f"u{u}", f"i{i}", True, 0) for u, i in zip(users, items, strict=True)])
    ranks = graph.pagerank(list(graph.items)[:16])
    assert np.isfinite(ranks).all() and ranks.shape == (len(graph.items), 16)


def test_replaced_items_leave_all_else():
    prompt = Prompt("u", tuple(Interaction("u", item, item == "i01", 5, 2.5) for item in ("i00", "i01", "i02")), 2)
    found = replace_items(prompt, {1: "i09"})
    assert [event.item for event in found.events] == ["i00", "i09", "i02"]
    assert replace_items(found, {1: "i01"}) == prompt
