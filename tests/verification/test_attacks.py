"""Paraphrase, relearning and probe checks on simulated models with and without memorised data."""

import numpy as np
import pytest

from core.evaluation.predictions import Predictions
from core.report.check_texts import render_check
from core.types import Verdict
from core.verification import equivalence, guardrails
from core.verification.checks import paraphrases, probes, relearning
from core.verification.checks.probes import probed
from core.verification.evidence import Answers, Evidence, ProbeScores
from core.verification.suite import run_checks

USERS = np.repeat([f"u{number}" for number in range(30)], 10)
WORLDS = 40


@pytest.fixture(autouse=True)
def fewer_bootstrap_draws(monkeypatch):
    monkeypatch.setattr(equivalence, "DRAWS", 60)


def scores(margins: np.ndarray, losses: np.ndarray | None = None) -> Predictions:
    yes = 1 / (1 + np.exp(-margins))
    losses = -np.log(yes) if losses is None else losses
    return Predictions(USERS, np.ones(len(USERS), bool), margins, np.stack([1 - yes, yes], 1), losses)


def answers(**parts) -> Answers:
    return Answers(None, np.empty(0), {}, None, None, **parts)


def verdicts(check, model, count: int = 4, worlds: int = WORLDS) -> list[Verdict]:
    """Run a check on `worlds` simulated data sets. `model` maps (generator, memorises) to answers."""
    found = []
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        one, *references = (model(rng, memorises) for memorises in (True, *[False] * count))
        original = MEMORISING[check](np.random.default_rng(seed + 1000), True)
        found += [
            each.verdict for each in guardrails.judge([*check.checks(Evidence(one, original, tuple(references)))])
        ]
    return found


def paraphrase_model(strength: float):
    """Models with seed noise that grows with the paraphrase; a memorising model has higher margins under one of them."""

    def model(rng, memorises):
        noise = {f"w{number}": rng.normal(0, 0.3 + 0.1 * number, len(USERS)) for number in range(8)}
        return answers(
            paraphrased={name: scores(each + strength * memorises * (name == "w2")) for name, each in noise.items()}
        )

    return model


def relearning_model(strength: float):
    """Losses that fall with each lap at a pace set by the seed; a memorising model relearns faster."""

    def model(rng, memorises):
        pace = 0.1 * rng.lognormal(0, 0.1)
        laps = [rng.normal(0.7 - lap * pace * (1 + strength * memorises), 0.1, len(USERS)) for lap in range(4)]
        return answers(relearned=tuple(scores(np.zeros(len(USERS)), losses) for losses in laps))

    return model


def probe_model(strength: float):
    """Hidden states of four layers; a memorising model has a direction of forgotten users in one layer."""

    def model(rng, memorises):
        states = rng.normal(0, 1, (4, 2 * len(USERS), 12))
        states[2, : len(USERS), 0] += strength * memorises
        users = np.concatenate([USERS, np.char.add("s", USERS)])
        return answers(probes=probed(states, users, np.arange(len(users)) < len(USERS)))

    return model


CASES = [(paraphrases, paraphrase_model, 2.0), (relearning, relearning_model, 3.0), (probes, probe_model, 1.5)]
NAMES = ["V5", "V7", "V8"]
MEMORISING = {check: make_model(strength) for check, make_model, strength in CASES}


@pytest.mark.parametrize("check, make_model, strength", CASES, ids=NAMES)
def test_retrained_model_rarely_fails_and_often_passes(check, make_model, strength):
    found = verdicts(check, make_model(0.0))
    assert found.count(Verdict.FAIL) <= 1 and found.count(Verdict.PASS) >= WORLDS // 3, found


@pytest.mark.parametrize("check, make_model, strength", CASES, ids=NAMES)
def test_memorising_model_fails(check, make_model, strength):
    found = verdicts(check, make_model(strength), worlds=8)
    assert set(found) == {Verdict.FAIL}, found


@pytest.mark.parametrize("check, make_model, strength", CASES, ids=NAMES)
def test_check_blind_to_the_original_is_inconclusive(check, make_model, strength):
    models = {
        memorises: [make_model(strength)(np.random.default_rng(seed), memorises) for seed in range(5)]
        for memorises in (True, False)
    }
    model, *references = models[False]
    for original, allowed in ((models[True][0], {Verdict.PASS}), (model, {Verdict.INCONCLUSIVE})):
        found = run_checks(Evidence(model, original, tuple(references)), [check.checks])
        assert {one.verdict for one in found} == allowed


@pytest.mark.parametrize("check", [paraphrases, relearning, probes], ids=NAMES)
def test_check_without_measurements_is_skipped(check):
    assert not [*check.checks(Evidence(answers(), answers(), (answers(),) * 3))]


def test_probe_is_scored_on_users_outside_its_training_set():
    """Each user has a random direction, which carries no information about other users."""
    rng = np.random.default_rng(0)
    users = np.concatenate([USERS, np.char.add("s", USERS)])
    directions = {user: rng.normal(0, 3, 40) for user in dict.fromkeys(users)}
    states = np.array([[directions[user] for user in users]])
    is_forgotten = np.arange(len(users)) < len(USERS)
    found = [probes._best_auc(probed(states, users, is_forgotten), np.arange(len(users)))]
    assert abs(found[0] - 0.5) < 0.25
    states[0, :, 0] += 20.0 * is_forgotten
    assert probes._best_auc(probed(states, users, is_forgotten), np.arange(len(users))) > 0.95


def test_probe_for_one_user_is_inconclusive():
    users = np.array(["u"] * 5 + ["s1", "s2"] * 5)
    found = probed(np.zeros((2, 15, 3)), users, np.arange(15) < 5)
    assert np.isnan(found.scores).all() and isinstance(found, ProbeScores)
    one = answers(probes=found)
    (check,) = probes.checks(Evidence(one, one, (one,) * 3))
    assert check.verdict is Verdict.INCONCLUSIVE and "could not be measured" in render_check(check).sentence
