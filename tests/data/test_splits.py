"""User roles and data splits: forgotten interactions are in the forget set only."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.splits import (
    MIN_HISTORY,
    TARGETS,
    by_user,
    make_split,
    single_targets,
    split_by_time,
    split_users,
    suffixes,
    windows,
)
from core.types import Interaction, Request, Task

WINDOW = 12
KINDS = ["users", "interactions"]
SETS = ("retain", "validation", "test", "holdout")


def history(length: int, user: str = "u") -> list[Interaction]:
    return [Interaction(user, f"f{n}", n % 3 == 0, n) for n in range(length)]


def targets(prompts) -> list[Interaction]:
    return list(chain.from_iterable(prompt.targets for prompt in prompts))


def events(prompts) -> set[Interaction]:
    return set(chain.from_iterable(prompt.events for prompt in prompts))


@pytest.fixture(scope="module")
def roles(small_world):
    roles = split_users(small_world.interactions.users(), base_share=0.3, held_out_share=0.2, seed=1)
    assert roles.training_users and roles.base_users and roles.held_out_users
    return roles


@pytest.fixture(scope="module")
def requests(small_world, roles) -> dict[str, Request]:
    first, second = roles.training_users[:2]
    training = split_by_time(by_user(small_world.interactions, Task.CLICK)[first])[0]
    chosen = tuple((first, event.item) for event in training[3:40:5])
    return {"users": Request("r", users=(first, second)), "interactions": Request("r", interactions=chosen)}


@pytest.fixture(scope="module", params=KINDS)
def case(request, small_world, roles, requests):
    """A request, the interactions it covers, and its split."""
    chosen_request = requests[request.param]
    covered = {
        e
        for e in small_world.interactions
        if e.user in chosen_request.users or (e.user, e.item) in chosen_request.interactions
    }
    assert covered
    return chosen_request, covered, make_split(small_world.interactions, roles, chosen_request, WINDOW, Task.CLICK)


def test_forget_and_retain_partition_training_interactions(small_world, roles, case):
    _, covered, split = case
    histories = by_user(small_world.interactions, Task.CLICK)
    trained = [event for user in roles.training_users for event in split_by_time(histories[user])[0]]
    assert sorted(targets(split.forget) + targets(split.retain), key=repr) == sorted(trained, key=repr)
    assert set(targets(split.forget)) == set(trained) & covered


def test_forgotten_interactions_are_in_no_other_set_or_history(case):
    _, covered, split = case
    for name in SETS:
        assert not events(getattr(split, name)) & covered, name


def test_heldout_and_base_users_are_in_no_training_set(roles, case):
    _, _, split = case
    for name in ("forget", "retain", "validation", "test"):
        assert {prompt.user for prompt in getattr(split, name)} <= set(roles.training_users), name
    assert {prompt.user for prompt in split.holdout} == set(roles.held_out_users)


def test_prompt_holds_one_user_in_time_order_within_window(case):
    _, _, split = case
    for name in ("forget", *SETS):
        for prompt in getattr(split, name):
            times = [event.time for event in prompt.events]
            assert times == sorted(times) and {event.user for event in prompt.events} == {prompt.user}
            assert len(prompt.events) <= WINDOW and prompt.targets


def test_targets_follow_training_validation_test_in_time(case):
    _, _, split = case
    last: dict[str, int] = {}
    for name in ("retain", "validation", "test"):
        for event in targets(getattr(split, name)):
            assert event.time >= last.get(event.user, 0)
        for event in targets(getattr(split, name)):
            last[event.user] = max(event.time, last.get(event.user, 0))


def test_forget_prompts_equal_training_prompts_of_the_user(small_world, roles, requests):
    split = make_split(small_world.interactions, roles, requests["users"], WINDOW, Task.CLICK)
    before = make_split(small_world.interactions, roles, None, WINDOW, Task.CLICK)
    assert not before.forget
    assert set(split.forget) == {prompt for prompt in before.retain if prompt.user in requests["users"].users}


def test_forgotten_interaction_keeps_its_training_history(small_world, roles, requests):
    split = make_split(small_world.interactions, roles, requests["interactions"], WINDOW, Task.CLICK)
    before = make_split(small_world.interactions, roles, None, WINDOW, Task.CLICK)
    assert all(len(prompt.targets) == 1 for prompt in split.forget)
    for prompt in split.forget:
        assert any(whole.events[: len(prompt.events)] == prompt.events for whole in before.retain)


def test_next_item_split_holds_only_liked_items(small_world, roles):
    split = make_split(small_world.interactions, roles, None, WINDOW, Task.NEXT_ITEM)
    assert all(event.liked for name in SETS for event in events(getattr(split, name)))


def test_role_of_a_user_does_not_depend_on_other_users(small_world, roles):
    removed = set(roles.training_users[::2]) | set(roles.base_users[::3])
    left = [user for user in small_world.interactions.users() if user not in removed]
    remaining = split_users(left, base_share=0.3, held_out_share=0.2, seed=1)
    for name in ("training_users", "base_users", "held_out_users"):
        assert set(getattr(remaining, name)) == set(getattr(roles, name)) - removed


def test_roles_follow_shares_and_seed():
    crowd = [f"u{n}" for n in range(4000)]
    roles, other = (split_users(crowd, base_share=0.5, held_out_share=0.1, seed=seed) for seed in (0, 1))
    assert len(roles.base_users) == pytest.approx(2000, rel=0.1) and len(roles.held_out_users) == pytest.approx(
        400, rel=0.2
    )
    assert set(roles.training_users) | set(roles.base_users) | set(roles.held_out_users) == set(crowd)
    assert roles != other and roles == split_users(crowd, base_share=0.5, held_out_share=0.1, seed=0)


@given(st.integers(0, 90), st.integers(1, 40))
def test_windows_cover_each_interaction_once_in_order(length, size):
    cut = windows(history(length), size)
    assert targets(cut) == history(length)
    assert all(len(prompt.events) == size for prompt in cut[:-1]) and all(
        0 < len(prompt.events) <= size for prompt in cut
    )


@given(st.integers(0, 50), st.integers(0, 30), st.integers(TARGETS, 40))
def test_suffixes_hold_each_target_once_with_its_history(seen, n_targets, size):
    everything = history(seen + n_targets)
    prompts = suffixes(everything[:seen], everything[seen:], size)
    assert targets(prompts) == everything[seen:]
    for prompt in prompts:
        stop = everything.index(prompt.events[-1]) + 1
        assert list(prompt.events) == everything[max(0, stop - size) : stop] and len(prompt.targets) <= TARGETS


@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 5))
def test_single_target_prompts_have_bounded_history(length, bound, first):
    whole = suffixes(history(length)[:first], history(length)[first:], 40)
    singles = single_targets(whole, bound)
    assert all(len(prompt.targets) == 1 and 1 <= len(prompt.events) - 1 <= bound for prompt in singles)
    assert targets(singles) == [event for event in targets(whole) if event != history(length)[0]]


@given(st.integers(0, 200))
def test_thirds_split_a_history_in_time_order(length):
    train, validation, test = split_by_time(history(length))
    assert train + validation + test == history(length)
    assert len(validation) == len(test) == (0 if length < MIN_HISTORY else max(1, length // 10))


def test_a_request_covers_its_users_and_its_pairs():
    covers = Request("r", users=("u",), interactions=(("v", "f1"),)).covers
    assert all(map(covers, history(3)))
    assert [event.item for event in history(3, "v") if covers(event)] == ["f1"]
    assert not any(map(Request("").covers, history(3)))
