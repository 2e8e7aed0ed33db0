"""All checks in order, after the controls (V0): what cannot tell a model that forgot nothing from one that never knew tells
nothing about a third.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from core.types import Check, Verdict, Verification
from core.verification.checks import (
    closeness,
    drift,
    membership,
    outliers,
    overforgetting,
    paraphrases,
    probes,
    quantization,
    ranking,
    relearning,
    utility,
)
from core.verification.equivalence import counted, outside
from core.verification.evidence import Evidence

Part = Callable[[Evidence], Iterator[Check]]
# in shares of the way to the original, which is all of the way for the original itself, whatever it knows: no control
SHARES: tuple[Part, ...] = (closeness.residual, quantization.checks)
# tell nothing of what the original knows of the forgotten people
ASIDE: tuple[Part, ...] = (*SHARES, drift.checks)
# attacks: these look for what is left
SEEKING: tuple[Part, ...] = (paraphrases.checks, relearning.checks, probes.checks)
CHECKS: tuple[Part, ...] = (
    closeness.residual,
    closeness.divergence,
    membership.checks,
    outliers.checks,
    paraphrases.checks,
    quantization.checks,
    relearning.checks,
    probes.checks,
    ranking.checks,
    overforgetting.checks,
    utility.checks,
    drift.checks,
)
NOT_RUN = {
    "V5": "whether other wordings of the prompt bring something back (asked with --full)",
    "V7": "whether a little training brings it back faster than it was learned (asked with --full)",
    "V8": "whether probes inside the model still find it (asked with --full)",
}
# Whatever is asked, these attacks are not run here: a verdict says nothing about them.
NEVER_RUN = {
    "shadow models": "membership attacks with shadow models, which train many models of their own",
    "white box": "attackers who see weights or gradients, other than by probes, rounding and a little training",
    "two versions": "comparing the adapter before with the one after, which shows what was taken out",
    "long training": "bringing it back by long training, or from data much like what was forgotten",
    "base model": "the base model, which is not changed and may know of people from elsewhere",
    "other ways in": "prompts that were written to break the model, other than reworded ones",
}
FEW = 3  # references under which one cannot be held out and the others still differ among themselves


def verification(run: str, evidence: Evidence, exact: Sequence[Check]) -> Verification:
    """All checks of a run. exact: those that need files and no answers, whatever the controls say."""
    if len(evidence.references) < FEW:
        controls: tuple[Check, ...] = (_without_references(len(evidence.references)),)
    else:
        controls = tuple(_controls(evidence))
    checks = asked(evidence) if evidence.references else ()
    if any(one.verdict is not Verdict.PASS for one in controls):
        checks = tuple(_void(one) for one in checks)
    asked_for = {one.id for one in checks}
    left_out = {id: why for id, why in NOT_RUN.items() if id not in asked_for}
    in_part = (_in_part(left_out, bool(asked_for & NOT_RUN.keys())),) if checks and left_out else ()
    found = (*controls, *checks, *exact, *in_part)
    return Verification(run, evidence.thresholds.digest, together(found), found, left_out | NEVER_RUN)


def asked(evidence: Evidence, parts: Sequence[Part] = CHECKS) -> tuple[Check, ...]:
    """The checks that look at answers."""
    return tuple(one for part in parts for one in (_sought(part, evidence) if part in SEEKING else part(evidence)))


def _sought(part: Part, evidence: Evidence) -> Iterator[Check]:
    """No PASS where the original passes as well: what does not find anything there would find nothing anywhere."""
    for one, original in zip(part(evidence), part(evidence.of_original()), strict=True):
        yield _blind(one) if one.verdict is original.verdict is Verdict.PASS else one


def _controls(evidence: Evidence) -> Iterator[Check]:
    telling = [part for part in CHECKS if part not in ASIDE]
    original = asked(evidence.of_original(), telling)
    caught = [one for one in original if one.verdict is Verdict.FAIL]
    wanting = [one.rows_needed for one in original if one.rows_needed and outside(one.value, one.low, one.high)]
    more = min(wanting, default=None)  # of those that would catch it; the others would let it pass
    wronged = [one for one in asked(evidence.of_reference()) if one.verdict is Verdict.FAIL]
    yield _control(
        "a model that forgot nothing is caught",
        len(caught),
        bool(caught),
        f"The original fails, as it must: {_names(caught)}.",
        "The original, which forgot nothing, is caught by no check: the numbers here do not suffice to tell anything."
        + (f" About {more:,} rows would be needed for the first check to catch it." if more else ""),
        None if caught else more,
    )
    yield _control(
        "a model that never knew is let through",
        len(wronged),
        not wronged,
        "A model that never saw the data fails no check, as it must be.",
        f"A model that never saw the data fails as well ({_names(wronged)}): these checks would accuse anybody here.",
    )


def _control(name: str, count: int, holds: bool, good: str, bad: str, needed: int | None = None) -> Check:
    value = counted(count, len(CHECKS))
    found = Verdict.PASS if holds else Verdict.INCONCLUSIVE
    return Check("V0", name, found, value, None, None, "controls", needed, good if holds else bad)


def _in_part(left_out: Collection[str], full: bool) -> Check:
    """Nobody passes by being asked less."""
    names = ", ".join(left_out)
    sentence = (
        f"Some of the checks cannot be asked of so few rows ({names})."
        if full
        else f"The checks that take long were not asked ({names}): ask with --full to have all of them."
    )
    value = counted(len(NOT_RUN) - len(left_out), len(NOT_RUN))
    return Check("V0", "everything was asked", Verdict.INCONCLUSIVE, value, len(NOT_RUN), None, "list", None, sentence)


def _without_references(count: int) -> Check:
    said = f"{count} of the {FEW} models" if count else "No models"
    sentence = f"{said} that never saw the data are there to compare with: train them first, then ask again."
    nothing = counted(count, count)
    return Check(
        "V0", "models that never saw the data", Verdict.INCONCLUSIVE, nothing, FEW, None, "controls", FEW, sentence
    )


def _names(checks: Sequence[Check]) -> str:
    return ", ".join(one.name for one in checks)


def _blind(check: Check) -> Check:
    sentence = "This tells nothing here: not even in the original, which knew these people, does it find anything."
    return replace(check, verdict=Verdict.INCONCLUSIVE, sentence=sentence)


def _void(check: Check) -> Check:
    """What a check said where the controls do not hold."""
    return replace(
        check,
        verdict=Verdict.INCONCLUSIVE,
        sentence=f"Not to be relied on, as the controls do not hold: {check.sentence}",
    )


def together(checks: Sequence[Check]) -> Verdict:
    """FAIL for one that failed, PASS where all passed."""
    verdicts = {one.verdict for one in checks}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.PASS if verdicts == {Verdict.PASS} else Verdict.INCONCLUSIVE
