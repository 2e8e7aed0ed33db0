"""Verification suite on simulated users with known memorisation: passes, failures and inconclusive results."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.evaluation.evaluate import ModelOutputs
from core.evaluation.predictions import Predictions
from core.report.check_texts import next_steps, render, render_check
from core.types import Check, Interval, Part, Verdict, Verification
from core.verification import equivalence, guardrails
from core.verification.checks import drift
from core.verification.checks.quantization import BITS
from core.verification.endpoints import pass_level
from core.verification.equivalence import check, exact_value, rows_needed, verdict
from core.verification.evidence import Answers, Evidence, TitleRanks
from core.verification.suite import DESCRIPTIONS, GUARDRAILS, run_checks, run_suite
from core.verification.thresholds import TEST_SETTINGS, Thresholds

FINITE = st.floats(-5, 5)


@pytest.fixture(autouse=True)
def fewer_bootstrap_draws(monkeypatch):
    monkeypatch.setattr(equivalence, "DRAWS", 80)


class SimulatedUsers:
    """Rows with a taste that all models predict, and a part that only a model trained on them predicts."""

    def __init__(self, users: int, each: int = 25, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.users = np.repeat([f"u{number}" for number in range(users)], each)
        self.taste = self.rng.normal(0, 1.5, len(self.users))
        self.labels = self.taste + self.rng.normal(0, 1.5, len(self.users)) > 0

    def scores(self, knows: float = 0.0, blur: float = 0.3, shift: float = 0.0) -> Predictions:
        """Predictions of a model: `knows` scales the memorised part, `blur` the noise, `shift` raises all losses."""
        right = np.where(self.labels, 1.0, -1.0)
        margins = self.taste + knows * right - shift * right + self.rng.normal(0, blur, len(self.users))
        yes = 1 / (1 + np.exp(-margins))
        losses = np.logaddexp(0, np.where(self.labels, -margins, margins))
        return Predictions(self.users, self.labels, margins, np.stack([1 - yes, yes], 1), losses)


class SimulatedData:
    """Forgotten, test and held-out users, and models with answers for them."""

    def __init__(self, forgotten: int = 60, other_users: int = 60, heldout: int = 60, seed: int = 0) -> None:
        sizes = enumerate((forgotten, other_users, heldout))
        self.forget, self.test, self.holdout = (SimulatedUsers(users, seed=10 * seed + set) for set, users in sizes)
        self.rng = np.random.default_rng(4)
        self.ranked = np.array([f"r{number}" for number in range(3000)])
        self.base = self.rng.integers(1, 40, len(self.ranked))

    def model(
        self,
        knows: float = 0.0,
        shift: float = 0.0,
        worse: float = 0.0,
        valid_mass: float = 0.999,
        back: float = 0.0,
        higher: float = 0.0,
        drift: float = 0.0,
    ) -> Answers:
        """Simulate a model.

        back: memorisation that returns after quantization. higher: excess rank of forgotten titles.
        drift: change of the answers for held-out users.
        """
        outputs = ModelOutputs(
            self.forget.scores(knows, shift=shift),
            self.test.scores(blur=0.3 + worse),
            self.holdout.scores(shift=drift),
            self.ranked,
            self.base + int(worse),
            {},
        )
        quantized = {bits: self.forget.scores(knows + back) for bits in BITS}
        users = self.forget.users
        titles = TitleRanks(users, 30.0 + np.arange(len(users)) % 40 - higher)
        return Answers(outputs, np.full(len(users), valid_mass), quantized, titles, self.test.scores(blur=0.3 + worse))

    def evidence(self, **model) -> Evidence:
        references = tuple(self.model() for _ in range(5))
        neighbours = frozenset(self.test.users[: len(self.test.users) * 2 // 3])
        return Evidence(self.model(**model), self.model(knows=1.5), references, neighbours=neighbours)


FILES = ("adapter_identity", "thresholds_frozen", "references_distinct")


def files_in_order(**changed: Verdict) -> list[Check]:
    """Checks of files, all PASS but those that are named."""
    ids = ("V12", "V0", "V0")
    found = [changed.get(code, Verdict.PASS) for code in FILES]
    return [
        Check(id, one, exact_value(1, 1), 1, 1, None, code, "replaced" if one is Verdict.FAIL else "")
        for id, one, code in zip(ids, found, FILES, strict=True)
    ]


def judged(evidence: Evidence, retrained: bool = False, **files: Verdict) -> Verification:
    return render(run_suite("run-1", evidence, files_in_order(**files), retrained))


def sentence(check: Check) -> str:
    return render_check(check).sentence


def all_checks(evidence: Evidence) -> Iterator[Check]:
    yield from guardrails.judge(run_checks(evidence, GUARDRAILS))
    yield from run_checks(evidence, DESCRIPTIONS)


def verdicts_by_id(evidence: Evidence) -> dict[str, set[Verdict]]:
    found: dict[str, set[Verdict]] = {}
    for one in all_checks(evidence):
        found.setdefault(one.id, set()).add(one.verdict)
    return found


def test_retrained_model_passes():
    found = judged(SimulatedData().evidence())
    assert found.verdict is Verdict.PASS and found.sentence.startswith("Forgotten: with 95% confidence"), found
    assert {one.id for one in found.checks} == {f"V{number}" for number in (0, 1, 2, 3, 4, 6, 9, 10, 11, 12)}
    assert {"V5", "V7", "V8"} < set(found.not_run)
    assert next_steps(found) == ("Submit the run for review.",)


@pytest.mark.parametrize("knows", [1.5, 1.2], ids=["original", "nearly original"])
def test_model_that_still_knows_fails(knows):
    found = judged(SimulatedData().evidence(knows=knows))
    assert (found.verdict, found.reason) == (Verdict.FAIL, "still_knows")
    assert "still knows more than 50%" in found.sentence
    assert verdicts_by_id(SimulatedData().evidence(knows=knows))["V10"] == {Verdict.PASS}


def test_stricter_share_fails_what_half_lets_pass():
    evidence = SimulatedData().evidence(knows=0.35)
    assert judged(evidence).verdict is Verdict.PASS
    strict = judged(replace(evidence, thresholds=Thresholds(forgotten_share=0.8)))
    assert strict.verdict is not Verdict.PASS and strict.thresholds != judged(evidence).thresholds


@pytest.mark.parametrize(
    ("broken", "reason", "said"),
    [
        ({"shift": 3.0}, "over_forgot", "Forgotten too much"),
        ({"valid_mass": 0.5}, "guardrail", "Probability of a valid answer"),
        ({"back": 1.0}, "guardrail", "rounded to 8 bits"),
        ({"higher": 10.0}, "guardrail", "Rank of forgotten titles"),
        ({"worse": 4.0}, "utility_test", "quality fell by more than 0.02"),
    ],
)
def test_harm_fails_and_is_named(broken, reason, said):
    found = judged(SimulatedData().evidence(**broken))
    assert (found.verdict, found.reason) == (Verdict.FAIL, reason) and said in found.sentence


def test_copy_of_the_original_fails_under_any_digest():
    evidence = SimulatedData().evidence()
    found = judged(replace(evidence, model=evidence.original))
    assert (found.verdict, found.reason) == (Verdict.FAIL, "unchanged")
    assert found.sentence == "Not forgotten: the adapter computes the same answers as the original."


def test_retraining_is_exact_unless_it_still_knows_the_data():
    world = SimulatedData()
    assert judged(world.evidence(), retrained=True).verdict is Verdict.EXACT
    assert judged(world.evidence(), retrained=True, adapter_identity=Verdict.FAIL).verdict is Verdict.FAIL
    assert judged(world.evidence(knows=1.2), retrained=True).reason == "still_knows"


def test_no_trace_where_the_original_has_no_advantage():
    world = SimulatedData(forgotten=300, heldout=300)
    found = judged(replace(world.evidence(), original=world.model(worse=0.2)))
    assert found.verdict is Verdict.NO_TRACE and "No measurable trace" in found.sentence, found.reason
    few = replace(world.evidence(), original=world.model(worse=0.2))
    assert judged(replace(few, references=few.references[:4])).verdict is Verdict.INCONCLUSIVE


def test_no_trace_is_not_told_where_others_may_have_paid_for_it():
    world = SimulatedData(forgotten=300, heldout=300)
    found = judged(replace(world.evidence(worse=0.5), original=world.model(worse=0.2)))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "utility_test")


@pytest.mark.parametrize("code", FILES)
def test_open_question_about_files_is_inconclusive(code):
    found = judged(SimulatedData().evidence(), **{code: Verdict.INCONCLUSIVE})
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, code)
    assert found.sentence.startswith("Inconclusive: ") and next_steps(found)


def test_replaced_adapter_fails():
    found = judged(SimulatedData().evidence(), adapter_identity=Verdict.FAIL)
    assert (found.verdict, found.reason) == (Verdict.FAIL, "replaced")


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4])
def test_nothing_passes_with_fewer_than_five_references(count):
    world = SimulatedData(10, 10)
    found = judged(replace(world.evidence(), references=tuple(world.model() for _ in range(count))))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "few_references")
    assert "a PASS needs five" in found.sentence
    assert next_steps(found)[0].startswith("Train ")


@pytest.mark.parametrize("seed", range(3))
def test_one_forgotten_user_is_inconclusive_with_next_steps(seed):
    world = SimulatedData(forgotten=1, seed=seed)
    found = judged(replace(world.evidence(knows=0.2), original=world.model(knows=0.4)))
    assert found.verdict is Verdict.INCONCLUSIVE, found.sentence
    assert any("into one run with others" in step for step in next_steps(found))


def test_every_further_attempt_is_judged_at_half_the_level():
    assert sum(pass_level(attempt) for attempt in range(1, 60)) == pytest.approx(0.1)
    evidence = SimulatedData(forgotten=40).evidence(knows=0.35)
    found = {attempt: judged(replace(evidence, attempt=attempt)) for attempt in (1, 12)}
    assert found[1].verdict is Verdict.PASS and found[12].verdict is Verdict.INCONCLUSIVE
    assert found[12].attempt == 12
    widths = [one.advantages[0].forgotten.high - one.advantages[0].forgotten.low for one in found.values()]
    assert widths[1] > 1.5 * widths[0]


def test_share_in_the_sentence_agrees_with_the_verdict():
    """A PASS says at least theta; its interval comes from the same test."""
    for knows in np.linspace(0, 0.8, 9):
        found = judged(SimulatedData().evidence(knows=float(knows)))
        endpoints_pass = all(one.verdict is Verdict.PASS for one in found.checks if one.part is Part.ENDPOINT)
        at_least = found.details["at_least"]
        assert not endpoints_pass or at_least >= 0.5
        if found.verdict is Verdict.PASS:
            assert f"at least {int(100 * at_least)}%" in found.sentence


@pytest.mark.slow
@pytest.mark.parametrize(
    ("knows", "most_pass", "least_pass", "most_fail"),
    [(0.0, 1.0, 0.8, 0.02), (1.5, 0.0, 0.0, 1.0), (0.9, 0.05, 0.0, 1.0)],
)
def test_error_rates_on_models_with_seed_noise(knows, most_pass, least_pass, most_fail, monkeypatch):
    """Each model knows a little more or less by chance: an honest one passes mostly, and one that knows half hardly ever."""
    monkeypatch.setattr(equivalence, "DRAWS", 40)
    found = []
    for seed in range(60):
        world, rng = SimulatedData(30, 30, 60, seed), np.random.default_rng(seed)
        noise = rng.normal(0, 0.08, 6)
        references = tuple(world.model(knows=float(one)) for one in noise[:5])
        model = world.model(knows=knows + float(noise[5]))
        found.append(judged(Evidence(model, world.model(knows=1.5), references)).verdict)
    assert least_pass * 60 <= found.count(Verdict.PASS) <= most_pass * 60, found
    assert found.count(Verdict.FAIL) <= most_fail * 60, found


def test_check_of_neighbours_without_neighbours_is_inconclusive():
    (found,) = [
        one
        for one in all_checks(replace(SimulatedData().evidence(), neighbours=frozenset()))
        if "neighbours" in one.code
    ]
    assert found.verdict is Verdict.INCONCLUSIVE and "could not be measured" in sentence(found)


def test_outlier_among_forgotten_users_is_found():
    """One of the forgotten users is still memorised."""
    world = SimulatedData(forgotten=2, heldout=410)
    evidence = world.evidence()
    one = evidence.model.outputs.forget.users == "u0"
    original = evidence.original.outputs.forget
    fields = ("margins", "losses")
    mixed = {
        name: np.where(one, getattr(original, name), getattr(evidence.model.outputs.forget, name)) for name in fields
    }
    outputs = replace(evidence.model.outputs, forget=replace(evidence.model.outputs.forget, **mixed))
    found = verdicts_by_id(replace(evidence, model=replace(evidence.model, outputs=outputs)))
    assert verdicts_by_id(evidence)["V3"] == {Verdict.PASS} and found["V3"] == {Verdict.FAIL}


def test_outlier_check_with_few_heldout_users_is_inconclusive():
    (found,) = [one for one in all_checks(SimulatedData(4, 20, 80).evidence()) if one.id == "V3"]
    assert (
        found.verdict is Verdict.INCONCLUSIVE
        and found.rows_needed == 800
        and "This would need 800 held-out users, not 80." in sentence(found)
    )


def test_few_users_are_inconclusive_with_number_of_rows_needed():
    inconclusive = [
        one for one in all_checks(SimulatedData(forgotten=3).evidence()) if one.verdict is Verdict.INCONCLUSIVE
    ]
    known = [one for one in inconclusive if one.rows_needed]
    assert known and all(one.rows_needed > one.value.n and f"{one.rows_needed:,}" in sentence(one) for one in known)


def test_failed_control_is_inconclusive():
    world = SimulatedData(forgotten=3)
    found = judged(replace(world.evidence(), original=world.model(knows=0.1)))
    assert (found.verdict, found.reason) == (Verdict.INCONCLUSIVE, "control_original"), found
    assert "would not notice a model that forgot nothing" in found.sentence


def test_drift_from_full_retrain_fails_and_counts_requests():
    (found,) = drift.checks(replace(SimulatedData().evidence(drift=3.0), requests=4))
    assert (
        found.verdict is Verdict.FAIL
        and sentence(found).startswith("After 4 requests")
        and "retrain in full" in sentence(found)
    )
    (found,) = drift.checks(SimulatedData().evidence())
    assert found.verdict is Verdict.PASS and sentence(found).startswith("For other users")


def test_missing_answer_mass_is_inconclusive():
    evidence = SimulatedData(10, 10).evidence()
    without_mass = [
        replace(one, valid_mass=np.empty(0)) for one in (evidence.model, evidence.original, *evidence.references)
    ]
    found = all_checks(Evidence(without_mass[0], without_mass[1], tuple(without_mass[2:])))
    (mass,) = [one for one in found if one.code == "answer_mass"]
    assert mass.verdict is Verdict.INCONCLUSIVE and "could not be measured" in sentence(mass)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_agrees_with_its_definition(p_values):
    """A second way: reject in order of the p-values until one exceeds its level."""
    adjusted = guardrails.holm(p_values)
    for level in (0.01, 0.05, 0.3):
        rejected: set[int] = set()
        for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
            if p_values[index] > level / (len(p_values) - rank):
                break
            rejected.add(index)
        near = any(abs(one - level) < 1e-9 for one in adjusted)
        assert near or rejected == {index for index, one in enumerate(adjusted) if one <= level}


@given(FINITE, FINITE, FINITE, FINITE, FINITE)
def test_verdict_depends_on_the_whole_interval(a, b, c, d, e):
    low, value, high = sorted((a, b, c))
    bounds = sorted((d, e))
    found = verdict(Interval(value, low, high, 10), *bounds)
    assert (found is Verdict.PASS) == (bounds[0] <= low and high <= bounds[1])
    low_99, high_99 = (value + equivalence.STRETCH * (end - value) for end in (low, high))
    assert (found is Verdict.FAIL) == (high_99 < bounds[0] or low_99 > bounds[1])
    # A narrower interval around the same value never turns PASS into FAIL.
    narrower = verdict(Interval(value, (low + value) / 2, (high + value) / 2, 40), *bounds)
    assert {found, narrower} != {Verdict.PASS, Verdict.FAIL}


@given(FINITE, FINITE, st.floats(0.01, 5), st.integers(5, 1000))
def test_needed_rows_make_the_verdict_conclusive(value, bound, half, n):
    first = Interval(value, value - half, value + half, n)
    rows = rows_needed(first, None, bound)
    if rows is not None:
        width = half * math.sqrt(n / rows)
        assert verdict(Interval(value, value - width * 0.999, value + width * 0.999, rows), None, bound) is not (
            Verdict.INCONCLUSIVE
        )


def test_nan_never_passes():
    not_measured = Interval(math.nan, math.nan, math.nan, 0)
    assert check("V1", "x", not_measured, (0.0, 1.0)).verdict is Verdict.INCONCLUSIVE
    assert verdict(Interval(0.5, 0.4, 0.6, 9), None, math.nan) is Verdict.INCONCLUSIVE


def test_digest_of_thresholds_depends_on_bounds_levels_and_rules(monkeypatch):
    found = {Thresholds().digest, Thresholds(residual=0.3).digest, Thresholds(outlier_fail_p=0.02).digest}
    settings = [(group, name) for group in (equivalence.INTERVAL_SETTINGS, TEST_SETTINGS) for name in group]
    for group, name in settings:
        with monkeypatch.context() as changed:
            changed.setitem(group, name, "another")
            found.add(Thresholds().digest)
    assert len(found) == 3 + len(settings) and Thresholds().digest == Thresholds().digest


def test_texts_never_claim_legal_compliance():
    found = [judged(SimulatedData().evidence(knows=knows)) for knows in (0.0, 1.5)]
    checks = [check for one in found for check in one.checks]
    assert not any("complian" in f"{one.sentence}{one.name}{one.source}".lower() for one in checks)
    assert not any("complian" in one.sentence.lower() for one in found)
