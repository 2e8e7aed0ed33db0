"""The suite: all checks in order, preceded by controls (V0).

1. Negative control: the original, which forgot nothing, must fail at least one check.
2. Positive control: a reference, which never saw the data, must fail no check.
3. Where a control does not hold, the verdict of every check becomes INCONCLUSIVE: checks that cannot tell
   these two models apart cannot judge a third one.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from core.types import Check, Verdict, Verification
from core.types.checks import Detail
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
from core.verification.equivalence import exact_value, is_outside
from core.verification.evidence import Evidence

CheckFunction = Callable[[Evidence], Iterator[Check]]
# Measured as a share of the way to the original. The original has 100 % by construction, so it is no control here.
RELATIVE_TO_ORIGINAL: tuple[CheckFunction, ...] = (closeness.residual, quantization.checks)
# These do not measure what the original knows about the forgotten users.
NO_CONTROLS: tuple[CheckFunction, ...] = (*RELATIVE_TO_ORIGINAL, drift.checks)
# Attacks: a PASS counts only if the attack succeeds on the original.
ATTACKS: tuple[CheckFunction, ...] = (paraphrases.checks, relearning.checks, probes.checks)
CHECKS: tuple[CheckFunction, ...] = (
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
# Ids of the checks that only a full verification runs.
NOT_RUN = ("V5", "V7", "V8")
# Codes of attacks that no verification runs. A verdict does not cover them. Spelled as in files of version 0.1.0.
NEVER_RUN = ("shadow models", "white box", "two versions", "long training", "base model", "other ways in")
FEW = 3  # with fewer references, holding one out leaves no spread among the others


def run_suite(run: str, evidence: Evidence, exact: Sequence[Check]) -> Verification:
    """Run all checks.

    Args:
        run: Id of the run.
        evidence: Outputs of the models.
        exact: Checks of files. They need no model outputs and do not depend on the controls.

    Returns:
        The verification, without texts.
    """
    if len(evidence.references) < FEW:
        controls: tuple[Check, ...] = (_too_few_references(len(evidence.references)),)
    else:
        controls = tuple(_controls(evidence))
    checks = run_checks(evidence) if evidence.references else ()
    if any(control.verdict is not Verdict.PASS for control in controls):
        checks = tuple(map(_void, checks))
    ids = {check.id for check in checks}
    missing = [id for id in NOT_RUN if id not in ids]
    completeness = (_incomplete(missing, full=bool(ids & {*NOT_RUN})),) if checks and missing else ()
    everything = (*controls, *checks, *exact, *completeness)
    not_run = dict.fromkeys((*missing, *NEVER_RUN), "")
    return Verification(run, evidence.thresholds.digest, overall_verdict(everything), everything, not_run)


def run_checks(evidence: Evidence, functions: Sequence[CheckFunction] = CHECKS) -> tuple[Check, ...]:
    """Run the checks of model outputs, without controls."""
    return tuple(
        check
        for function in functions
        for check in (_attack(function, evidence) if function in ATTACKS else function(evidence))
    )


def overall_verdict(checks: Iterable[Check]) -> Verdict:
    """Return FAIL if any check failed, PASS if all passed, INCONCLUSIVE otherwise."""
    verdicts = {check.verdict for check in checks}
    if Verdict.FAIL in verdicts:
        return Verdict.FAIL
    return Verdict.PASS if verdicts == {Verdict.PASS} else Verdict.INCONCLUSIVE


def _attack(function: CheckFunction, evidence: Evidence) -> Iterator[Check]:
    """Run an attack; a PASS becomes INCONCLUSIVE where the original passes too."""
    for check, original in zip(function(evidence), function(evidence.of_original()), strict=True):
        blind = check.verdict is original.verdict is Verdict.PASS
        yield replace(check, verdict=Verdict.INCONCLUSIVE, reason="blind") if blind else check


def _controls(evidence: Evidence) -> Iterator[Check]:
    original = run_checks(evidence.of_original(), [function for function in CHECKS if function not in NO_CONTROLS])
    caught = [check for check in original if check.verdict is Verdict.FAIL]
    # Only checks whose estimate lies outside the bounds would fail the original with more rows.
    promising = [
        check.rows_needed for check in original if check.rows_needed and is_outside(check.value, check.low, check.high)
    ]
    rows = None if caught else min(promising, default=None)
    failed = [check for check in run_checks(evidence.of_reference()) if check.verdict is Verdict.FAIL]
    yield _control("control_original", caught, bool(caught), rows)
    yield _control("control_reference", failed, not failed)


def _control(code: str, failed: Sequence[Check], holds: bool, rows: int | None = None) -> Check:
    """A control: `failed` are the checks that the known model failed."""
    found = Verdict.PASS if holds else Verdict.INCONCLUSIVE
    details: dict[str, Detail] = {"checks": " ".join(check.code for check in failed)}
    value = exact_value(len(failed), len(CHECKS))
    return Check("V0", found, value, None, None, rows, code, "more_rows" if rows else "", details)


def _incomplete(missing: Collection[str], full: bool) -> Check:
    """INCONCLUSIVE for an incomplete verification: running fewer checks must not give a PASS."""
    value = exact_value(len(NOT_RUN) - len(missing), len(NOT_RUN))
    reason = "few_rows_for_checks" if full else "not_full"
    details: dict[str, Detail] = {"ids": " ".join(missing)}
    return Check("V0", Verdict.INCONCLUSIVE, value, len(NOT_RUN), None, None, "all_checks_run", reason, details)


def _too_few_references(count: int) -> Check:
    details: dict[str, Detail] = {"count": count, "wanted": FEW}
    value = exact_value(count, count)
    return Check("V0", Verdict.INCONCLUSIVE, value, FEW, None, FEW, "references", details=details)


def _void(check: Check) -> Check:
    """Make a check INCONCLUSIVE because a control does not hold; its own verdict moves to the details."""
    details = {**check.details, "voided": check.verdict.value}
    return replace(check, verdict=Verdict.INCONCLUSIVE, details=details)
