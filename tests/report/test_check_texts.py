"""Texts of checks: none in core.verification, one for each code, all from one translation file."""

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.report import localization
from core.report.check_texts import (
    ENGLISH,
    english,
    message_id,
    next_steps,
    not_run_id,
    reason_id,
    render,
    render_check,
)
from core.report.localization import TRANSLATION
from core.report.verdict_texts import next_step_id, verdict_id
from core.types import Attack, Check, Interval, Verdict, Verification
from core.utils.serialization import from_json, to_json
from core.verification.checks.quantization import BITS
from core.verification.endpoints import ENDPOINTS
from core.verification.suite import FULL_ONLY, NEVER_RUN
from core.verification.verdict import AFTER_FAIL, NEXT_STEPS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "core/verification"
EQUIVALENCE_CODES = (
    "residual", "divergence", "ranking_hr", "ranking_ndcg", "ranking_titles", "paraphrases", "relearning", "probes",
    "answer_mass", "distinguishability", "utility_test", "utility_neighbours", "utility_retain", "drift",
    *(f"quantization_{bits}" for bits in BITS),
)  # fmt: skip
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
COUNTS = ("count", "wanted", "people", "strangers", "wordings", "references", "references_needed", "requests")
NUMBERS = ("margin", "usual", "factor", "bound", "rare", "share", "limit", "original", "keep", "spread")
DETAILS = dict.fromkeys(COUNTS, 2) | dict.fromkeys(NUMBERS, 0.5)
OUTCOMES = [(code, verdict, "") for code in EQUIVALENCE_CODES for verdict in (PASS, FAIL)]
OUTCOMES += [
    (code, INCONCLUSIVE, why) for code in EQUIVALENCE_CODES for why in ("not_measured", "near_bound", "few_rows")
]
for measure in ENDPOINTS:
    OUTCOMES += [(f"forgotten_{measure}", FAIL, why) for why in ("still_knows", "over_forgot")]
    OUTCOMES += [(f"forgotten_{measure}", INCONCLUSIVE, why) for why in ("few_references", "no_power")]
    OUTCOMES += [(f"forgotten_{measure}", PASS, "")]
OUTCOMES += [(code, INCONCLUSIVE, "blind") for code in ("paraphrases", "relearning", "probes")]
OUTCOMES += [("outliers", PASS, ""), ("outliers", FAIL, "")]
OUTCOMES += [("outliers", INCONCLUSIVE, why) for why in ("few_strangers", "chance", "blind")]
OUTCOMES += [(f"control_{name}", found, "") for name in ("original", "reference") for found in (PASS, INCONCLUSIVE)]
OUTCOMES += [("references", INCONCLUSIVE, ""), ("thresholds_frozen", PASS, ""), ("thresholds_frozen", INCONCLUSIVE, "")]
OUTCOMES += [("references_distinct", INCONCLUSIVE, "")]
OUTCOMES += [("references_distinct", PASS, why) for why in ("recorded", "partly_recorded")]
OUTCOMES += [("adapter_identity", PASS, ""), ("adapter_identity", INCONCLUSIVE, "incomplete_digests")]
OUTCOMES += [("adapter_identity", PASS, "external")]
OUTCOMES += [("adapter_identity", FAIL, why) for why in ("unchanged", "replaced")]
OUTCOMES += [("same_function", PASS, ""), ("same_function", FAIL, "unchanged")]
VERDICTS = [(Verdict.PASS, ""), (Verdict.NO_TRACE, ""), (Verdict.EXACT, "")]
FAIL_REASONS = ("still_knows", "over_forgot", "guardrail", "utility_test", "unchanged", "replaced")
VERDICTS += [(FAIL, why) for why in FAIL_REASONS]
VERDICTS += [(INCONCLUSIVE, why) for why in NEXT_STEPS]
STEPS = {"approve", "retrain_drift", *AFTER_FAIL, *(step for steps in NEXT_STEPS.values() for step in steps)}
ATTACKS = (
    "loss_auc", "loss_tpr", "rmia_auc", "rmia_tpr", "lira_auc", "lira_tpr", "forget_quality", "privacy_leakage",
    "hardest_users",
)  # fmt: skip


def outcome(code: str, verdict: Verdict, reason: str, **more: str) -> Check:
    return Check("V0", verdict, Interval(0.5, 0.4, 0.6, 30), 0.1, 0.9, 40, code, reason, DETAILS | more)


def verification_of_all_outcomes() -> Verification:
    checks = [outcome(*one) for one in OUTCOMES]
    not_run = dict.fromkeys((*FULL_ONLY, *NEVER_RUN), "")
    attacks = tuple(Attack(name, 0.6, 0.5, (0.5, 0.51)) for name in ATTACKS)
    return Verification(
        "run-1", "ab12", INCONCLUSIVE, tuple(checks), not_run, "no_power", {"theta": 0.5}, attacks=attacks
    )


def texts(found: Verification) -> list[str]:
    return [text for one in found.checks for text in (one.name, one.source, one.sentence)] + [*found.not_run.values()]


def constants(path: Path) -> list[str]:
    """Return the strings of a module without docstrings and error messages."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    free = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    free |= {id(n) for node in ast.walk(tree) if isinstance(node, ast.Raise) for n in ast.walk(node)}
    strings = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return [node.value for node in strings if id(node) not in free]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.name)
def test_verification_module_builds_no_sentence(path):
    codes = {*NEVER_RUN, "row ", " "}  # keys in files, a prefix of bootstrap units, a separator of codes
    assert not [text for text in constants(path) if " " in text and text not in codes]


def test_codes_in_verification_are_in_the_list():
    known = {part for code, _, reason in OUTCOMES for part in (code, reason)}
    for path in (*PACKAGE.rglob("*.py"), ROOT / "core/runs/verify.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
        check_calls = [call for call in calls if call.func.id in ("check", "_check", "_control", "_exact", "Check")]
        words = {arg.value for call in check_calls for arg in call.args if isinstance(arg, ast.Constant)}
        named = {word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z][a-z_]+", word)}
        assert named <= known, path.name


@pytest.mark.parametrize(("code", "verdict", "reason"), OUTCOMES)
def test_check_outcome_has_all_texts(code, verdict, reason):
    (check,) = render(Verification("r", "", verdict, (outcome(code, verdict, reason),), {}), english()).checks
    assert check.name and check.source and check.sentence.endswith(".") and "{" not in check.sentence


def test_every_message_is_used():
    names = set(re.findall(r"^([a-z][a-z0-9-]*) =", ENGLISH.read_text(encoding="utf-8"), re.MULTILINE))
    codes = {code for code, _, _ in OUTCOMES}
    used = {message_id(code, verdict) for code, verdict, _ in OUTCOMES} | {
        reason_id(why) for _, _, why in OUTCOMES if why
    }
    used |= {message_id(code) for code in codes} | {message_id(code, "source") for code in codes}
    used |= {not_run_id(code) for code in (*FULL_ONLY, *NEVER_RUN)}
    used |= {verdict_id(verdict, reason) for verdict, reason in VERDICTS} | {next_step_id(step) for step in STEPS}
    used |= {f"attack-{name.replace('_', '-')}" for name in ATTACKS}
    used |= {name for name in names if name.startswith("answer-verdict-")}  # one for each verdict, by its word
    used |= set(re.findall(r'"(answer-[a-z-]+)"', (ROOT / "core/report/answer.py").read_text())) - {"answer-verdict"}
    assert used >= {verdict_id(verdict, reason) for verdict, reason in VERDICTS} and names >= used - optional(codes)
    assert names - used == {
        "check-with-reason", "check-voided", "check-source-control", "verdict-interval", "verdict-earlier-version", "verdict-pass-no-share",
        "rows-covered", "rows-needed-unknown", "rows-needed-no-advantage", "rows-needed-hopeless", "rows-needed-enough", "rows-needed-more",
        "drift-by", "drift-unknown", "drift-used", "drift-spent",
        "error-rates-source", "error-rates-of", "error-rate", "error-rates-random", "error-rates-single", "error-rates-genre",
    }  # fmt: skip


def optional(codes: set[str]) -> set[str]:
    """Messages that a check need not have: a source of its own."""
    return {message_id(code, "source") for code in codes}


@pytest.mark.parametrize(("verdict", "reason"), VERDICTS)
def test_verdict_has_a_sentence_and_next_steps(verdict, reason):
    details = {"theta": 0.5, "at_least": 0.71, "confidence": 0.95, "test_auc_margin": 0.02, "test_auc_fall_high": 0.004}
    steps = NEXT_STEPS.get(reason, AFTER_FAIL if verdict is FAIL else ("approve",))
    found = Verification("r", "", verdict, (), {}, reason, details, next_steps=steps)
    sentence = render(found, english()).sentence
    assert sentence.endswith(".") and "{" not in sentence and "–" not in sentence
    assert len(next_steps(found, english())) == len(steps)


def test_translation_file_replaces_every_text(tmp_path, monkeypatch):
    """No message id is in both English files, so one translation file can hold texts of checks and pages."""
    pages = (ROOT / "dashboard/locale/en.ftl").read_text(encoding="utf-8")
    messages = ENGLISH.read_text(encoding="utf-8")
    name = re.compile(r"^([a-z][a-z0-9-]*) =", re.MULTILINE)
    assert not {*name.findall(messages)} & {*name.findall(pages)}
    (tmp_path / "xx.ftl").write_text(name.sub(r"\1 = Xx", messages), encoding="utf-8")
    before = render(verification_of_all_outcomes())
    monkeypatch.setenv(TRANSLATION, str(tmp_path / "xx.ftl"))
    after = render(verification_of_all_outcomes())
    assert all("Xx" in text and text != old for text, old in zip(texts(after), texts(before), strict=True))
    assert render(before) == after  # stored texts do not hide the translation
    assert texts(render(before, english())) == texts(before)


def test_old_verification_file_keeps_its_stored_texts():
    stored = ROOT / "tests/workspace/old_workspace/runs/run-fecbb0/verification.json"
    check = from_json(Check, json.loads(stored.read_text())["checks"][2])
    old = Verification("r", "", INCONCLUSIVE, (check,), {"gone": "An old attack"})
    shown = render(old)
    assert check.sentence and replace(shown, sentence="") == old
    assert shown.sentence == "Verified by an earlier version of this program, with another rule: INCONCLUSIVE."


def test_codes_and_details_survive_a_round_trip():
    found = render(verification_of_all_outcomes(), english())
    assert from_json(Verification, json.loads(json.dumps(to_json(found)))) == found


def test_missing_fluent_library_is_reported(monkeypatch):
    monkeypatch.setattr(localization, "find_spec", lambda name: None)
    assert not localization.can_make_texts()
    monkeypatch.setitem(__import__("sys").modules, "fluent.runtime", None)
    with pytest.raises(Exception, match=r"fluent\.runtime is not installed"):
        localization.Locale(ENGLISH)


def test_check_with_unknown_code_keeps_its_stored_texts():
    check = Check(
        "V6", Verdict.PASS, Interval(0.1, 0.0, 0.2, 9), None, 0.5, None, "quantization_8", "<edited>", name="Rounded"
    )
    assert render_check(check) == check
