"""Texts of checks: none in core.verification, one for each code, all from one translation file."""

import ast
import json
import re
from pathlib import Path

import pytest

from core.report import localization
from core.report.check_texts import ENGLISH, english, message_id, not_run_id, reason_id, render, render_check
from core.report.localization import TRANSLATION
from core.types import Check, Interval, Verdict, Verification
from core.utils.serialization import from_json, to_json
from core.verification.checks.quantization import BITS
from core.verification.suite import NEVER_RUN, NOT_RUN

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "core/verification"
EQUIVALENCE_CODES = (
    "residual", "divergence", "membership_loss", "membership_calibrated", "ranking_hr", "ranking_ndcg", "ranking_titles",
    "paraphrases", "relearning", "probes", "answer_mass", "distinguishability", "utility_test", "utility_neighbours",
    "utility_retain", "drift", *(f"quantization_{bits}" for bits in BITS),
)  # fmt: skip
PASS, FAIL, INCONCLUSIVE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE
NUMBERS = {name: 2 for name in ("count", "wanted", "people", "strangers", "wordings", "references", "requests")} | {
    name: 0.5 for name in ("margin", "usual", "factor", "bound", "rare", "threshold", "share", "limit", "original")
}
DETAILS = NUMBERS | {"checks": "residual drift", "ids": "V5 V7"}
OUTCOMES = [(code, verdict, "") for code in EQUIVALENCE_CODES for verdict in (PASS, FAIL)]
OUTCOMES += [
    (code, INCONCLUSIVE, why) for code in EQUIVALENCE_CODES for why in ("not_measured", "near_bound", "few_rows")
]
OUTCOMES += [(code, INCONCLUSIVE, "blind") for code in ("paraphrases", "relearning", "probes")]
OUTCOMES += [("outliers", PASS, ""), ("outliers", FAIL, "")]
OUTCOMES += [("outliers", INCONCLUSIVE, why) for why in ("few_strangers", "chance", "blind")]
OUTCOMES += [
    ("control_original", PASS, ""),
    ("control_original", INCONCLUSIVE, ""),
    ("control_original", INCONCLUSIVE, "more_rows"),
]
OUTCOMES += [("control_reference", PASS, ""), ("control_reference", INCONCLUSIVE, ""), ("references", INCONCLUSIVE, "")]
OUTCOMES += [("all_checks_run", INCONCLUSIVE, "few_rows_for_checks"), ("all_checks_run", INCONCLUSIVE, "not_full")]
OUTCOMES += [
    ("thresholds_frozen", PASS, ""),
    ("thresholds_frozen", INCONCLUSIVE, ""),
    ("references_distinct", INCONCLUSIVE, ""),
]
OUTCOMES += [("references_distinct", PASS, why) for why in ("recorded", "partly_recorded")]
OUTCOMES += [("adapter_identity", PASS, ""), ("adapter_identity", INCONCLUSIVE, "incomplete_digests")]
OUTCOMES += [("adapter_identity", FAIL, why) for why in ("unchanged", "replaced")]


def outcome(code: str, verdict: Verdict, reason: str, **more: str) -> Check:
    return Check("V0", verdict, Interval(0.5, 0.4, 0.6, 30), 0.1, 0.9, 40, code, reason, DETAILS | more)


def verification_of_all_outcomes() -> Verification:
    checks = [outcome(*one) for one in OUTCOMES] + [outcome("residual", INCONCLUSIVE, "", voided="fail")]
    return Verification("run-1", "ab12", INCONCLUSIVE, tuple(checks), dict.fromkeys((*NOT_RUN, *NEVER_RUN), ""))


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
    used |= {not_run_id(code) for code in (*NOT_RUN, *NEVER_RUN)}
    assert names - used == {"check-with-reason", "check-voided", "check-source-control"}


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
    old = json.loads((ROOT / "assets/demo/runs/run-demo/verification.json").read_text())["checks"][2]
    old.pop("code", None)
    check = from_json(Check, old)
    assert check.sentence and render(
        Verification("r", "", INCONCLUSIVE, (check,), {"gone": "An old attack"})
    ) == Verification("r", "", INCONCLUSIVE, (check,), {"gone": "An old attack"})


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
