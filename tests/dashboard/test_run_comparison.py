"""Comparison of runs: whoever is called ahead is ahead for every value that the intervals allow, and nobody else is."""

import random
from dataclasses import replace
from itertools import product

import pytest

from core.types import Interval, Recommendation, Verdict
from core.types.results import MEASURES
from dashboard.presenters.run_comparison import (
    ASPECTS,
    CLAIMS,
    RunFacts,
    common_measure,
    headline,
    leader,
    list_changes,
    notes,
)

# How bad one value is, in each aspect with intervals: distance from complete forgetting, fall, success of an attack.
BADNESS = {"forgotten": lambda x: abs(x - 1), "quality": lambda x: x, "membership": abs}


def random_facts(rng: random.Random, requests: int = 1) -> list[RunFacts]:
    def interval(scale: float) -> Interval | None:
        if rng.random() < 0.1:
            return None
        low, high = sorted((rng.gauss(0, scale), rng.gauss(0, scale)))
        return Interval((low + high) / 2, low, high, 9)

    return [
        RunFacts(
            f"run-{number}",
            f"req-{rng.randrange(requests)}",
            "CURE",
            rng.choice([*Verdict, None]),
            shares={name: found for name in MEASURES if (found := interval(1.0))},
            fall=interval(0.02),
            membership=interval(0.1),
            seconds=rng.choice([None, rng.uniform(1, 99)]),
            device=rng.choice(["cpu", "cpu", "cuda:0"]),
        )
        for number in range(rng.randint(2, 6))
    ]


def found_interval(one: RunFacts, aspect: str, measure: str) -> Interval | None:
    return {"forgotten": one.share(measure), "quality": one.fall, "membership": one.membership}[aspect]


@pytest.mark.parametrize("seed", range(300))
def test_leader_is_ahead_for_every_value_in_the_intervals_and_nobody_else_is(seed: int) -> None:
    rng = random.Random(seed)
    facts = random_facts(rng)
    measure = common_measure(facts)
    for aspect, bad in BADNESS.items():
        intervals = [found_interval(one, aspect, measure) for one in facts]
        ahead = leader(facts, aspect)
        if None in intervals:
            assert ahead is None
            continue
        grids = [[x.low + (x.high - x.low) * part / 40 for part in range(41)] for x in intervals]
        worst, best = ([pick(map(bad, grid)) for grid in grids] for pick in (max, min))
        shown = [
            one.run
            for number, one in enumerate(facts)
            if all(worst[number] < best[other] for other in range(len(facts)) if other != number)
        ]
        if ahead:
            assert shown == [ahead]
        elif shown:  # the grid misses the best value by at most a step
            number = [one.run for one in facts].index(shown[0])
            step = max((x.high - x.low) / 40 for x in intervals)
            assert min(best[other] for other in range(len(facts)) if other != number) - worst[number] <= step


@pytest.mark.parametrize("seed", range(200))
def test_time_and_verdict_follow_from_every_pair_of_runs(seed: int) -> None:
    facts = random_facts(random.Random(seed))
    quickest = leader(facts, "time")
    if quickest:
        own = next(one for one in facts if one.run == quickest)
        assert all(own.seconds < 0.9 * one.seconds and own.device == one.device for one in facts if one is not own)
    passing = [one.run for one in facts if one.verdict and one.verdict.passes]
    verified = all(one.verdict for one in facts)
    assert leader(facts, "verdict") == (passing[0] if verified and len(passing) == 1 else None)


@pytest.mark.parametrize("seed", range(100))
def test_sentences_name_every_aspect_once_and_no_run_that_is_not_ahead(seed: int) -> None:
    rng = random.Random(seed)
    facts = random_facts(rng, requests=rng.choice([1, 1, 3]))
    sentence, rest = headline(facts), " ".join(notes(facts))
    leaders = {aspect: leader(facts, aspect) for aspect in ASPECTS}
    for aspect, run in leaders.items():
        assert (CLAIMS[aspect] in sentence) == (run is not None)
    if len({one.request for one in facts}) > 1:
        assert leaders["forgotten"] is leaders["membership"] is None and "different requests" in rest
    named = {run for run in leaders.values() if run}
    passing = {one.run for one in facts if one.verdict and one.verdict.passes}
    for one in facts:
        written = one.run.replace("-", "\\-")
        assert (written in sentence) == (one.run in named or (one.run in passing and 1 < len(passing) < len(facts)))
    assert sentence.count(".") == 1 and sentence.endswith(".")


def test_order_of_the_runs_changes_no_claim() -> None:
    rng = random.Random(0)
    for _ in range(100):
        facts = random_facts(rng)
        shuffled = rng.sample(facts, len(facts))
        assert all(leader(facts, aspect) == leader(shuffled, aspect) for aspect in ASPECTS)


def test_overforgetting_is_not_ahead() -> None:
    half, over = (Interval(value, value - 0.1, value + 0.1, 9) for value in (0.6, 2.5))
    facts = [RunFacts(name, "r", "m", shares={"log_loss": one}) for name, one in (("half", half), ("over", over))]
    assert leader(facts, "forgotten") == "half"


def test_retrained_run_has_forgotten_everything() -> None:
    part = RunFacts("part", "r", "m", Verdict.PASS, shares={"log_loss": Interval(0.7, 0.6, 0.8, 9)})
    whole = RunFacts("whole", "r", "m", Verdict.EXACT)
    assert leader([part, whole], "forgotten") == "whole"
    reaches = replace(part, shares={"log_loss": Interval(0.9, 0.8, 1.1, 9)})
    assert leader([reaches, whole], "forgotten") is None


def test_measure_is_the_one_that_is_known_of_most_runs() -> None:
    one = Interval(0.5, 0.4, 0.6, 9)
    known = [{"log_loss": one}, {"membership": one}, {"membership": one, "auc": one}]
    assert common_measure([RunFacts("a", "r", "m", shares=found) for found in known]) == "membership"
    assert common_measure([RunFacts("a", "r", "m")]) == "log_loss"


def test_lists_show_the_place_of_every_title() -> None:
    a, b, c = (Recommendation(name, name.upper(), 0.0) for name in "abc")
    frame = list_changes({"one": ((a, b), (b, c)), "two": ((a, b), (a, b))})
    assert frame.values.tolist() == [
        ["A", "1", "removed", "1 (same)"],
        ["B", "2", "1 (up 1)", "2 (same)"],
        ["C", "", "2 (new)", ""],
    ]


def test_every_pair_of_verdicts_is_read_by_whether_it_passes() -> None:
    for first, second in product(Verdict, Verdict):
        facts = [RunFacts("a", "r", "m", first), RunFacts("b", "r", "m", second)]
        alone = [one.run for one in facts if one.verdict.passes]
        assert leader(facts, "verdict") == (alone[0] if len(alone) == 1 else None)
