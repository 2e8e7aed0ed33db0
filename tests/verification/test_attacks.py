"""Other wordings, relearning and probes on simulated models: who never knew is not accused, who still knows is caught."""

import numpy as np
import pytest

from core.evaluation.predictions import Predictions
from core.report.check_texts import render_check
from core.types import Verdict
from core.verification import equivalence
from core.verification.checks import paraphrases, probes, relearning
from core.verification.checks.probes import probed
from core.verification.evidence import Answers, Evidence, ProbeScores
from core.verification.suite import run_checks

USERS = np.repeat([f"u{number}" for number in range(30)], 10)
WORLDS = 40


@pytest.fixture(autouse=True)
def fewer_draws(monkeypatch):
    monkeypatch.setattr(equivalence, "DRAWS", 60)


def scores(margins: np.ndarray, losses: np.ndarray | None = None) -> Predictions:
    yes = 1 / (1 + np.exp(-margins))
    losses = -np.log(yes) if losses is None else losses
    return Predictions(USERS, np.ones(len(USERS), bool), margins, np.stack([1 - yes, yes], 1), losses)


def answers(**told) -> Answers:
    return Answers(None, np.empty(0), {}, None, None, **told)


def verdicts(check, model, count: int = 4, worlds: int = WORLDS) -> list[Verdict]:
    """What the check says of a model in so many worlds. model: (world's generator, does it know) -> answers."""
    found = []
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        one, *references = (model(rng, knows) for knows in (True, *[False] * count))
        found += [each.verdict for each in check.checks(Evidence(one, None, tuple(references)))]
    return found


def in_words(strength: float):
    """Models that differ by their seed, more so under stranger wordings; one knows more under a single, not the strangest one."""

    def model(rng, knows):
        noise = {f"w{place}": rng.normal(0, 0.3 + 0.1 * place, len(USERS)) for place in range(8)}
        return answers(
            paraphrased={name: scores(each + strength * knows * (name == "w2")) for name, each in noise.items()}
        )

    return model


def in_lessons(strength: float):
    """Losses that fall with each lap by what a seed makes of it; who still knows gets the rest back at once."""

    def model(rng, knows):
        pace = 0.1 * rng.lognormal(0, 0.1)
        laps = [rng.normal(0.7 - lap * pace * (1 + strength * knows), 0.1, len(USERS)) for lap in range(4)]
        return answers(relearned=tuple(scores(np.zeros(len(USERS)), losses) for losses in laps))

    return model


def in_states(strength: float):
    """What four layers hold; who still knows has a direction of forgotten people in one of them."""

    def model(rng, knows):
        states = rng.normal(0, 1, (4, 2 * len(USERS), 12))
        states[2, : len(USERS), 0] += strength * knows
        people = np.concatenate([USERS, np.char.add("s", USERS)])
        return answers(probes=probed(states, people, np.arange(len(people)) < len(USERS)))

    return model


CASES = [(paraphrases, in_words, 2.0), (relearning, in_lessons, 3.0), (probes, in_states, 1.5)]
NAMES = ["V5", "V7", "V8"]


@pytest.mark.parametrize("check, made, strength", CASES, ids=NAMES)
def test_who_never_knew_is_hardly_ever_accused_and_often_let_through(check, made, strength):
    found = verdicts(check, made(0.0))
    assert found.count(Verdict.FAIL) <= 1 and found.count(Verdict.PASS) >= WORLDS // 3, found


@pytest.mark.parametrize("check, made, strength", CASES, ids=NAMES)
def test_who_still_knows_is_caught(check, made, strength):
    found = verdicts(check, made(strength), worlds=8)
    assert set(found) == {Verdict.FAIL}, found


@pytest.mark.parametrize("check, made, strength", CASES, ids=NAMES)
def test_what_finds_nothing_in_the_original_lets_nobody_through(check, made, strength):
    kinds = {
        knows: [made(strength)(np.random.default_rng(seed), knows) for seed in range(5)] for knows in (True, False)
    }
    model, *references = kinds[False]
    for original, allowed in ((kinds[True][0], {Verdict.PASS}), (model, {Verdict.INCONCLUSIVE})):
        found = run_checks(Evidence(model, original, tuple(references)), [check.checks])
        assert {one.verdict for one in found} == allowed


@pytest.mark.parametrize("check", [paraphrases, relearning, probes], ids=NAMES)
def test_what_was_not_asked_is_not_judged(check):
    assert not [*check.checks(Evidence(answers(), answers(), (answers(),) * 3))]


def test_a_probe_is_judged_by_people_whom_it_was_not_trained_on():
    """Each person has a direction of their own, which tells nothing of the next one."""
    rng = np.random.default_rng(0)
    people = np.concatenate([USERS, np.char.add("s", USERS)])
    own = {person: rng.normal(0, 3, 40) for person in dict.fromkeys(people)}
    states = np.array([[own[person] for person in people]])
    member = np.arange(len(people)) < len(USERS)
    found = [probes._best_auc(probed(states, people, member), np.arange(len(people)))]
    assert abs(found[0] - 0.5) < 0.25
    states[0, :, 0] += 20.0 * member
    assert probes._best_auc(probed(states, people, member), np.arange(len(people))) > 0.95


def test_one_person_cannot_be_probed_for():
    people = np.array(["u"] * 5 + ["s1", "s2"] * 5)
    found = probed(np.zeros((2, 15, 3)), people, np.arange(15) < 5)
    assert np.isnan(found.scores).all() and isinstance(found, ProbeScores)
    one = answers(probes=found)
    (check,) = probes.checks(Evidence(one, one, (one,) * 3))
    assert check.verdict is Verdict.INCONCLUSIVE and "could not be measured" in render_check(check).sentence
