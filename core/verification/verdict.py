"""From the checks to the verdict of a run, its reason, its numbers and the next steps. Pure functions."""

from collections.abc import Sequence

from core.evaluation.advantage import share_forgotten
from core.types import Check, Part, Verdict
from core.types.checks import Detail
from core.verification.endpoints import MIN_REFERENCES, Endpoint
from core.verification.equivalence import finite_or_none
from core.verification.thresholds import Thresholds

Decision = tuple[Verdict, str]
ADAPTER_CHECKS = ("adapter_identity", "same_function")
FILE_CHECKS = ("thresholds_frozen", "references_distinct")
# Reason of an INCONCLUSIVE verdict -> what can be done, the best first.
NEXT_STEPS = {
    "few_references": ("more_references",),
    "thresholds_frozen": ("launch_again",),
    "references_distinct": ("train_references_again",),
    "adapter_identity": ("launch_again",),
    "no_power": ("more_references", "batch", "retrain", "approve_with_reason"),
    "control_original": ("batch", "more_references", "retrain", "approve_with_reason"),
    "control_reference": ("more_references", "retrain"),
    "utility_test": ("another_method", "retrain", "approve_with_reason"),
}
AFTER_FAIL = ("another_method", "retrain", "reject")


def decide(checks: Sequence[Check], ends: Sequence[Endpoint], margins: Thresholds, retrained: bool) -> Decision:
    """Come to the verdict, the first that applies.

    FAIL by the adapter; EXACT for a retrained adapter that does not still know the data; FAIL by an endpoint, then by a
    guardrail or a condition; INCONCLUSIVE by a file; NO_TRACE where the test AUC is kept, else INCONCLUSIVE; PASS if
    all endpoints and conditions pass; otherwise INCONCLUSIVE. An inconclusive guardrail does not prevent a PASS.

    Args:
        checks: All checks of the run.
        ends: Both endpoints.
        margins: Bounds of the trace.
        retrained: Whether the run trained the adapter again without the data.

    Returns:
        The verdict and the code of its reason.
    """
    by_code = {check.code: check for check in checks}
    failed = [check for check in checks if check.verdict is Verdict.FAIL and check.part is not Part.DESCRIPTION]
    if adapter := [check.reason for check in failed if check.code in ADAPTER_CHECKS]:
        return Verdict.FAIL, adapter[0]
    shown = [check.reason for check in failed if check.part is Part.ENDPOINT]
    if retrained and "still_knows" not in shown and by_code["adapter_identity"].verdict is Verdict.PASS:
        return Verdict.EXACT, ""
    if shown:
        return Verdict.FAIL, shown[0]
    if failed:
        return Verdict.FAIL, "guardrail" if failed[0].part is Part.GUARDRAIL else failed[0].code
    open_files = [code for code in ("adapter_identity", *FILE_CHECKS) if by_code[code].verdict is not Verdict.PASS]
    if not open_files and has_no_trace(ends, margins):
        others_fine = by_code["utility_test"].verdict is Verdict.PASS
        return (Verdict.NO_TRACE, "") if others_fine else (Verdict.INCONCLUSIVE, "utility_test")
    return _pass_or_inconclusive(checks, open_files)


def has_no_trace(ends: Sequence[Endpoint], margins: Thresholds) -> bool:
    """Whether the upper 95 % bound of the original's advantage lies under the margins, on both endpoints."""
    enough = all(one.knowledge.references >= MIN_REFERENCES for one in ends)
    bounds = {"log_loss": margins.trace_nats, "membership": margins.trace_auc}
    return enough and all(one.trace_bound() < bounds[one.measure] for one in ends)


def _pass_or_inconclusive(checks: Sequence[Check], open_files: Sequence[str]) -> Decision:
    """PASS if all endpoints and conditions pass; otherwise INCONCLUSIVE, with the most useful reason."""
    if open_files:
        return Verdict.INCONCLUSIVE, open_files[0]
    undecided = [
        check for check in checks if check.part in (Part.ENDPOINT, Part.CONDITION) and check.verdict is not Verdict.PASS
    ]
    if not undecided:
        return Verdict.PASS, ""
    reasons = {check.reason if check.part is Part.ENDPOINT else check.code for check in undecided}
    order = ("few_references", "references", "control_original", "control_reference", "no_power")
    first = next((reason for reason in order if reason in reasons), undecided[0].code)
    return Verdict.INCONCLUSIVE, "few_references" if first == "references" else first


def details_of(checks: Sequence[Check], ends: Sequence[Endpoint], margins: Thresholds) -> dict[str, Detail]:
    """Numbers that the sentence of the verdict needs; None where one was not measured.

    `at_least` is the lower bound of the share forgotten, on the endpoint where it is lower, at the attempt's level.
    """
    level = 1 - 2 * ends[0].level
    shares = [share_forgotten(one.knowledge, level) for one in ends]
    shown = [share for share in shares if share]
    by_code = {check.code: check for check in checks}
    fall, loss = by_code.get("utility_test"), by_code["forgotten_log_loss"]
    undecided = [c for c in checks if c.part is Part.ENDPOINT and c.verdict is Verdict.INCONCLUSIVE]
    return {
        "confidence": 1 - ends[0].level,
        "at_least": finite_or_none(min(share.low for share in shown)) if len(shown) == len(ends) else None,
        "share": finite_or_none(shares[0].value) if shares[0] else None,
        "theta": margins.forgotten_share,
        "left": finite_or_none(loss.value.value),
        "before": float(loss.details["original"] or 0),
        "references": ends[0].knowledge.references,
        "references_needed": _largest([check.details.get("references_needed") for check in undecided]),
        "rows": ends[0].knowledge.rows,
        "test_auc_fall": finite_or_none(fall.value.value) if fall else None,
        "test_auc_margin": margins.test_auc_fall,
        "test_auc_fall_high": finite_or_none(fall.value.high) if fall else None,
        "guardrails": " ".join(c.code for c in checks if c.part is Part.GUARDRAIL and c.verdict is Verdict.FAIL),
    }


def next_steps(found: Verdict, reason: str, checks: Sequence[Check]) -> tuple[str, ...]:
    """What can be done after this verdict, the best first.

    More references are not advised where the endpoints say that no reasonable number would settle it.
    """
    if found is Verdict.FAIL:
        return AFTER_FAIL
    if found is not Verdict.INCONCLUSIVE:
        return ("approve",)
    steps = NEXT_STEPS.get(reason, ("more_references", "retrain", "approve_with_reason"))
    waiting = [c for c in checks if c.part is Part.ENDPOINT and c.verdict is Verdict.INCONCLUSIVE]
    hopeless = reason != "few_references" and any(c.details.get("references_needed") is None for c in waiting)
    return tuple(step for step in steps if not (hopeless and step == "more_references"))


def _largest(numbers: Sequence[Detail]) -> Detail:
    """The largest number; None where there is none, or where one is not known."""
    known = [number for number in numbers if isinstance(number, int)]
    return max(known) if known and len(known) == len(numbers) else None
