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
    """One to three tokens; of the longer ones every third begins like its neighbour's."""
    number = ITEMS.index(item)
    tokens = [10 + number - number % 3 // 2, 100 + number, 200 + number][: 1 + number // 4 % 3]
    return tokens if len(tokens) > 1 else [300 + number]


def encode(prompts, click=True):
    """A tokenizer without surprises: START, then of each event its title, QUOTE, and in click the answer."""
    made = []
    for prompt in prompts:
        ids, spans, answers = [START], [], []
        for event in prompt.events:
            spans.append((len(ids), len(ids) + len(title(event.item))))
            ids += [*title(event.item), QUOTE]
            answers.append((len(ids), len(ids) + 1) if click else spans[-1])
            ids += [YES if event.liked else NO] if click else []
        targets = slice(prompt.first_target, None)
        labels = tuple(event.liked for event in prompt.targets)
        made.append(Encoded(tuple(ids), tuple(spans), tuple(answers[targets]), labels))
    return made


def encode_titles(prompts):
    return encode(prompts, click=False)


def events(user, items):
    return tuple(Interaction(user, item, index % 3 > 0, index) for index, item in enumerate(items))


@pytest.fixture(scope="module")
def interactions():
    """Forty users in two circles that like different items."""
    random = np.random.default_rng(0)
    circles = ITEMS[::2], ITEMS[1::2]
    return [
        event
        for user in range(40)
        for event in events(f"u{user}", random.choice(circles[user % 2], 12, replace=False).tolist())
    ]


@pytest.fixture(scope="module")
def prompts(interactions):
    mine = [[event for event in interactions if event.user == f"u{user}"] for user in range(10)]
    return [Prompt(events[0].user, tuple(events), len(events) - 1) for events in mine]


@pytest.fixture(scope="module")
def llama(make):
    """Small weights hardly look at the history, so these are larger."""
    model = make("llama")
    with torch.no_grad():
        for layer in anatomy(model).layers:
            for projection in (layer.q, layer.k, layer.v):
                projection.linear.weight.mul_(4)
            layer.attention_out.weight.mul_(4)
    return model


@pytest.fixture(scope="module")
def made(llama, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO))
    assert len(found) == len(prompts) and dropped == 0
    return found


def test_template_target_and_every_position_stay(made, prompts):
    for contrast, prompt, encoded in zip(made, prompts, encode(prompts), strict=True):
        assert contrast.ids == encoded.ids[:-1]
        assert len(contrast.corrupted) == len(contrast.ids)
        inside = {place for span in contrast.spans for place in range(*span)}
        assert contrast.spans and set(contrast.spans) <= set(encoded.spans[:-1])
        assert all(
            a == b
            for place, (a, b) in enumerate(zip(contrast.ids, contrast.corrupted, strict=True))
            if place not in inside
        )
        for start, stop in contrast.spans:
            assert contrast.ids[start:stop] != contrast.corrupted[start:stop]
        assert (contrast.right, contrast.wrong) == ((YES, NO) if prompt.events[-1].liked else (NO, YES))


def items_of(contrast):
    """The items whose titles stand in the replaced spans, before and after."""
    by_title = {tuple(title(item)): item for item in ITEMS}
    return [[by_title[ids[start:stop]] for start, stop in contrast.spans] for ids in (contrast.ids, contrast.corrupted)]


def test_pagerank_replaces_near_titles_by_unseen_far_ones_of_like_popularity(made, prompts, interactions):
    graph, met = ItemGraph(interactions), Counter(event.item for event in interactions)
    decile = {item: i * 10 // len(ITEMS) for i, item in enumerate(sorted(ITEMS, key=lambda item: (-met[item], item)))}
    by_pagerank = [pair for pair in zip(made, prompts, strict=True) if pair[0].way == "pagerank"]
    assert len(by_pagerank) > 2
    for contrast, prompt in by_pagerank:
        rank = graph.pagerank([prompt.events[-1].item])[:, 0]
        for old, new in zip(*items_of(contrast), strict=True):
            assert rank[graph.items[new]] < rank[graph.items[old]]
            assert decile[new] == decile[old]
            assert new not in {event.item for event in prompt.events}


def test_a_contrast_halves_or_flips_the_metric_or_nothing_did(llama, made, prompts, interactions):
    clean, corrupted = (metrics(anatomy(llama), made, 4, side) for side in (CLEAN, CORRUPTED))
    weakened = (corrupted.abs() <= clean.abs() / 2) | (clean * corrupted < 0)
    assert weakened.any()
    assert all(len(c.spans) > 1 for c, enough in zip(made, weakened, strict=True) if not enough)


def test_a_seed_gives_one_result(llama, made, prompts, interactions):
    again, _ = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO))
    other, _ = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), seed=1)
    assert again == made
    assert other != made


def test_next_item_is_cut_where_the_true_title_and_the_rival_part(llama, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode_titles, None)
    assert (len(found), dropped) == (len(prompts), 0)
    titles = [title(item) for item in ITEMS]
    later = 0
    for contrast, prompt in zip(found, prompts, strict=True):
        whole = encode_titles([prompt])[0]
        true = [*title(prompt.events[-1].item), QUOTE]
        known = len(contrast.ids) - whole.answers[0][0]  # tokens of the true title that the prompt gives away
        later += known > 0
        assert contrast.ids == whole.ids[: len(contrast.ids)]
        assert contrast.right == true[known] != contrast.wrong
        assert any((*true[:known], contrast.wrong) == tuple([*t, QUOTE][: known + 1]) for t in titles)


def test_titles_that_begin_alike_are_cut_after_what_they_share(llama):
    """The only unseen item begins like the true one."""
    true, rival = next(
        (a, b) for a in ITEMS for b in ITEMS if a < b and title(a)[0] == title(b)[0] and len(title(a)) > 1
    )
    seen = [item for item in ITEMS if item != rival]
    prompt = Prompt("u", events("u", [*seen[:5], true]), 5)
    interactions = [*events("u", seen), *events("v", ITEMS)]
    (contrast,), _ = find_prompt_pairs(llama, [prompt], interactions, CATALOGUE, encode_titles, None) or ((None,), 0)
    assert contrast.ids[-1] == title(true)[0] == title(rival)[0]
    assert (contrast.right, contrast.wrong) == (title(true)[1], title(rival)[1])


def test_prompts_without_history_are_dropped_and_counted(llama, prompts, interactions):
    empty = Prompt("u0", prompts[0].events[-1:], 0)
    found, dropped = find_prompt_pairs(llama, [empty, *prompts[:3], empty], interactions, CATALOGUE, encode, (YES, NO))
    assert (len(found), dropped) == (3, 2)


def test_a_target_outside_the_graph_falls_back_on_another_user(llama, prompts, interactions):
    prompt = replace(prompts[0], events=(*prompts[0].events[:-1], replace(prompts[0].events[-1], item=ITEMS[0])))
    elsewhere = [event for event in interactions if event.item != ITEMS[0]]
    ways = ("pagerank", "other_user")
    (contrast,), dropped = find_prompt_pairs(llama, [prompt], elsewhere, CATALOGUE, encode, (YES, NO), ways=ways)
    assert contrast.way == "other_user" and dropped == 0
    donors = set(items_of(contrast)[1])
    assert any(donors <= {event.item for event in elsewhere if event.user == f"u{user}"} for user in range(40))
    assert not donors & {event.item for event in elsewhere if event.user == prompt.user}


def test_the_mean_way_replaces_every_title_of_the_history_by_the_mean_of_popular_tokens(llama, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), ways=("mean",))
    assert (len(found), dropped) == (len(prompts), 0)
    weight = anatomy(llama).embed.weight
    for contrast, prompt in zip(found, prompts, strict=True):
        spans = encode([prompt])[0].spans[:-1]
        inside = {place for span in spans for place in range(*span)}
        assert contrast.way == "mean" and contrast.spans == spans
        assert {place for place, token in enumerate(contrast.corrupted) if token == MEAN} == inside
        ((_, batch),) = batches(anatomy(llama), [contrast], 1)
        expected = weight[list(contrast.average)].mean(0)
        places = sorted(inside)
        assert torch.allclose(batch.embeddings(CORRUPTED)[0, places], expected.expand(len(places), -1), atol=1e-6)
        kept = [place for place in range(len(contrast.ids)) if place not in inside]
        assert torch.equal(batch.embeddings(CORRUPTED)[0, kept], batch.embeddings(CLEAN)[0, kept])


def test_ways_are_tried_in_the_order_given(llama, prompts, interactions):
    for way in ("pagerank", "other_user"):
        found, _ = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), ways=(way,))
        assert found and {contrast.way for contrast in found} == {way}
    with pytest.raises(RunError, match="'noise' is not known"):
        find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), ways=("pagerank", "noise"))


def test_several_donors_give_each_prompt_several_contrasts(llama, made, prompts, interactions):
    found, dropped = find_prompt_pairs(llama, prompts, interactions, CATALOGUE, encode, (YES, NO), donors=3)
    assert dropped == 0 and [c.prompt for c in found] == [i for i in range(len(prompts)) for _ in range(3)]
    assert [c.prompt for c in made] == list(range(len(prompts)))
    assert any(len({c.corrupted for c in found if c.prompt == i}) > 1 for i in range(len(prompts)))
    assert len({c.ids for c in found}) == len(prompts)


def test_places_in_the_prompt_are_counted_back_from_the_target(made, prompts):
    for contrast, encoded in zip(made, encode(prompts), strict=True):
        slots = contrast.slots
        assert slots[0] == 0 and slots[-1] == 1 and len(slots) == len(contrast.ids)
        for back, (start, stop) in enumerate(reversed(encoded.spans), 1):
            assert set(slots[start:stop]) == {back}


def test_a_tokenizer_that_merges_over_a_border_gives_no_contrast(llama, prompts, interactions):
    def merging(some):
        """The last token before the answer depends on the history, as no replacement may make it."""
        return [replace(e, ids=(*e.ids[:-2], 300 + sum(e.ids[:-2]) % 200, e.ids[-1])) for e in encode(some)]

    found, _ = find_prompt_pairs(
        llama, prompts[:4], interactions, CATALOGUE, merging, (YES, NO), ways=("pagerank", "other_user")
    )
    assert all(contrast.ids[-1] == contrast.corrupted[-1] for contrast in found)


def test_a_hundred_thousand_interactions_take_seconds(llama, prompts):
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
