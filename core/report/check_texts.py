"""Texts of checks: from the codes and numbers of `core.verification` to names, sources and sentences.

A check with code `divergence` has these messages in `locale/en.ftl`:

- `check-divergence`: name of the measurement;
- `check-divergence-source`: origin of the bounds, where the check has its own;
- `check-divergence-pass`, `-fail`, `-inconclusive`: the sentence for a verdict;
- `reason-CODE`: a second sentence for `Check.reason`, shared by all checks.

Old and new records are read in the same way. `core.runs.verify` stores the English texts beside the codes,
because ledger entries are read for years. `render` replaces stored texts where the locale has a message for
the code and keeps them elsewhere: in files of version 0.1.0, which have no codes, and for codes that a later
version no longer knows.
"""

import math
from dataclasses import replace
from functools import cache
from pathlib import Path

from core.report.error_rates_text import error_rates_text
from core.report.localization import Locale, Value, locale, text_id
from core.report.verdict_texts import next_step_texts, verdict_sentence
from core.types import Check, Verdict, Verification
from core.types.checks import Detail

ENGLISH = Path(__file__).parent / "locale/en.ftl"
UNKNOWN = "–"


@cache
def english() -> Locale:
    """Return the English texts, without a translation."""
    return Locale(ENGLISH)


def render(verification: Verification, texts: Locale | None = None) -> Verification:
    """Return the verification with its texts.

    Args:
        verification: With codes, stored texts, or both.
        texts: The locale; by default English or the translation in use.

    Raises:
        RunError: fluent.runtime is not installed.
    """
    texts = texts or locale(ENGLISH)
    checks = tuple(render_check(check, texts) for check in verification.checks)
    not_run = {code: _not_run(code, stored, texts) for code, stored in verification.not_run.items()}
    sentence = verdict_sentence(verification, texts)
    return replace(verification, checks=checks, not_run=not_run, sentence=sentence)


def next_steps(verification: Verification, texts: Locale | None = None) -> tuple[str, ...]:
    """Return what can be done after this verdict, the best first; empty for files of version 0.1.0."""
    return next_step_texts(verification, texts or locale(ENGLISH))


def attack_texts(verification: Verification, texts: Locale | None = None) -> dict[str, str]:
    """Return the name of each attack, with its source, by its code."""
    texts = texts or locale(ENGLISH)
    names = {one.name: text_id("attack", one.name) for one in verification.attacks}
    return {code: texts.text(name) if name in texts else code for code, name in names.items()}


def reliability(verification: Verification, texts: Locale | None = None) -> str:
    """Return how often such verdicts err; "" where that was not measured."""
    return error_rates_text(verification, texts or locale(ENGLISH))


def sentence_of(verification: Verification) -> str:
    """Return the verdict's sentence, about 50 times faster than `render`. Raises RunError where that does."""
    return verdict_sentence(verification, locale(ENGLISH))


def render_check(check: Check, texts: Locale | None = None) -> Check:
    """Return the check with its texts; unchanged where the locale does not know its codes or lacks a value."""
    texts = texts or locale(ENGLISH)
    if message_id(check.code) not in texts:
        return check
    try:
        values = _values(check)
        name = texts.text(message_id(check.code), **values)
        return replace(check, name=name, source=_source(check, values, texts), sentence=_sentence(check, values, texts))
    except (KeyError, ValueError):  # written by another version, or edited: the stored texts stay
        return check


def message_id(code: str, part: str = "") -> str:
    """Return the name of a check's message, for example "check-membership-loss-pass"."""
    return text_id("check", code, part)


def reason_id(reason: str) -> str:
    """Return the name of a reason's message, for example "reason-few-rows"."""
    return text_id("reason", reason)


def not_run_id(code: str) -> str:
    """Return the name of the message for a check or an attack that was not run, for example "not-run-white-box"."""
    return "-".join(["not-run", *code.lower().split()])


def _sentence(check: Check, values: dict[str, Value], texts: Locale) -> str:
    verdict = Verdict(str(check.details.get("voided", check.verdict)))
    sentence = texts.text(message_id(check.code, verdict), **values)
    if check.reason:
        reason = texts.text(reason_id(check.reason), **values)
        sentence = texts.text("check-with-reason", sentence=sentence, reason=reason)
    return texts.text("check-voided", sentence=sentence) if "voided" in check.details else sentence


def _source(check: Check, values: dict[str, Value], texts: Locale) -> str:
    own = message_id(check.code, "source")
    return texts.text(own if own in texts else "check-source-control", **values)


def _values(check: Check) -> dict[str, Value]:
    """Values that every message of a check may use: its details, `low`, `high`, `rows`, `needed` and `times`."""
    values = {name: _shown(value) for name, value in check.details.items()}
    if "references_needed" in values and check.details["references_needed"] is None:
        values["references_needed"] = 0
    bounds = {"low": _shown(check.low), "high": _shown(check.high)}
    rows, needed = check.value.n, check.rows_needed or 0
    times = needed / max(rows, 1)
    return {
        **values,
        **bounds,
        "rows": rows,
        "needed": needed,
        "times": round(times) if times >= 10 else round(times, 1),
    }


def _shown(value: Detail) -> Value:
    missing = value is None or (isinstance(value, float) and not math.isfinite(value))
    return UNKNOWN if value is None or missing else value


def _not_run(code: str, stored: str, texts: Locale) -> str:
    name = not_run_id(code)
    return texts.text(name) if name in texts else stored
