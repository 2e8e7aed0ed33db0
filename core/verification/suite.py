"""The suite: runs all checks of a run and comes to one verdict.

1. Endpoints: was enough forgotten, and not too much (`endpoints`)?
2. Guardrails: is harm shown (`guardrails`)? They stop a PASS by failing.
3. Conditions: the controls hold, the quality for others is kept, the adapter is not the original, and files are the
   recorded ones.
4. Descriptions: measured and shown, without influence on the verdict.

`verdict` puts them together.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from core.evaluation.advantage import Knowledge, advantage, knowledge
from core.evaluation.attacks import Losses, attacks
from core.types import Advantage, Attack, Check, Part, Verdict, Verification
from core.types.checks import Detail
from core.types.results import MEASURES
from core.verification import guardrails
from core.verification.checks import (
    closeness,
    drift,
    outliers,
    overforgetting,
    paraphrases,
    probes,
    quantization,
    ranking,
    relearning,
    same_function,
    utility,
)
from core.verification.endpoints import MIN_REFERENCES, Endpoint, endpoints, pass_level
from core.verification.equivalence import exact_value
from core.verification.evidence import Answers, Evidence
from core.verification.verdict import decide, details_of, next_steps

CheckFunction = Callable[[Evidence], Iterator[Check]]
# A PASS of these proves nothing where the original passes too.
MAY_BE_BLIND: tuple[CheckFunction, ...] = (paraphrases.checks, relearning.checks, probes.checks)
GUARDRAILS: tuple[CheckFunction, ...] = (
    ranking.checks,
    paraphrases.checks,
    quantization.checks,
    relearning.checks,
    probes.checks,
    overforgetting.checks,
    utility.guardrails,
    drift.checks,
)
DESCRIPTIONS: tuple[CheckFunction, ...] = (closeness.residual, closeness.divergence, outliers.checks)
# Ids of the checks that only a full verification runs.
FULL_ONLY = ("V5", "V7", "V8")
# Codes of attacks that no verification runs. A verdict does not cover them. Spelled as in files of version 0.1.0.
NEVER_RUN = ("shadow models", "white box", "two versions", "long training", "base model", "other ways in")
MIN_COMPARED = 3  # with fewer references, holding one out leaves no spread among the others


def run_suite(
    run: str,
    evidence: Evidence,
    exact: Sequence[Check],
    retrained: bool = False,
    compared: Sequence[Check] | None = None,
) -> Verification:
    """Run all checks.

    Args:
        run: Id of the run.
        evidence: Outputs of the models.
        exact: Checks of files, which are conditions. They need no model outputs.
        retrained: Whether the run trained the adapter again without the data.
        compared: The result of `compare_with_references` on the same outputs, where it is known already.

    Returns:
        The verification, without texts.
    """
    known = _knowledge(evidence)
    ends = tuple(endpoints(known, evidence.thresholds.forgotten_share, evidence.attempt))
    conditions = (*map(_as_condition, exact), *_conditions(evidence, ends))
    compared = compare_with_references(evidence) if compared is None else compared
    checks = (*(one.check() for one in ends), *conditions, *compared)
    found, reason = decide(checks, ends, evidence.thresholds, retrained)
    missing = [id for id in FULL_ONLY if id not in {check.id for check in checks}]
    return Verification(
        run,
        evidence.thresholds.digest,
        found,
        checks,
        dict.fromkeys((*missing, *NEVER_RUN), ""),
        reason,
        details_of(checks, ends, evidence.thresholds),
        _advantages(known, evidence),
        _attacks(evidence),
        evidence.attempt,
        next_steps(found, reason, checks),
    )


def _models(evidence: Evidence) -> list[Answers]:
    return [evidence.model, evidence.original, *evidence.references]


def _knowledge(evidence: Evidence) -> dict[str, Knowledge]:
    outputs = [answers.outputs for answers in _models(evidence)]
    return knowledge([one.forget for one in outputs], [one.holdout for one in outputs])


def _advantages(known: dict[str, Knowledge], evidence: Evidence) -> tuple[Advantage, ...]:
    """The advantages, with intervals at the level of the attempt, so that they agree with its tests."""
    if not evidence.references:
        return ()
    level = 1 - 2 * pass_level(evidence.attempt)
    return tuple(advantage(measure, known[measure], level) for measure in MEASURES)


def _attacks(evidence: Evidence) -> tuple[Attack, ...]:
    if len(evidence.references) < MIN_COMPARED:
        return ()

    def losses(answers: Answers) -> Losses:
        return answers.outputs.forget.losses, answers.outputs.holdout.losses

    model, original, *references = map(losses, _models(evidence))
    return attacks(model, original, references, evidence.model.outputs.forget.users)


def _conditions(evidence: Evidence, ends: Sequence[Endpoint]) -> Iterator[Check]:
    """Controls, quality for others, and whether the adapter is the original."""
    count = len(evidence.references)
    if count < MIN_REFERENCES:
        yield _condition("references", count, MIN_REFERENCES, count, wanted=MIN_REFERENCES)
    yield _condition("control_original", sum(one.catches_original for one in ends), len(ends))
    yield _condition("control_reference", sum(one.clears_references for one in ends), len(ends))
    yield from map(_as_condition, utility.condition(evidence))
    yield from map(_as_condition, same_function.checks(evidence))


def _as_condition(check: Check) -> Check:
    return replace(check, part=Part.CONDITION)


def _condition(code: str, found: int, wanted_at_least: int, count: int = 0, **details: Detail) -> Check:
    """A counted condition: PASS where enough was found, INCONCLUSIVE otherwise."""
    verdict = Verdict.PASS if found >= wanted_at_least else Verdict.INCONCLUSIVE
    value = exact_value(found, wanted_at_least)
    return Check(
        "V0", verdict, value, wanted_at_least, None, None, code, "", {"count": count, **details}, Part.CONDITION
    )


def compare_with_references(evidence: Evidence) -> tuple[Check, ...]:
    """Guardrails, judged together, and descriptions: the slow checks."""
    if not evidence.references:
        return ()
    return (*guardrails.judge(run_checks(evidence, GUARDRAILS)), *run_checks(evidence, DESCRIPTIONS))


def run_checks(evidence: Evidence, functions: Collection[CheckFunction]) -> tuple[Check, ...]:
    """Run the checks of model outputs, each judged on its own."""
    return tuple(
        check
        for function in functions
        for check in (_unless_blind(function, evidence) if function in MAY_BE_BLIND else function(evidence))
    )


def _unless_blind(function: CheckFunction, evidence: Evidence) -> Iterator[Check]:
    """Run a check; a PASS becomes INCONCLUSIVE where the original passes too."""
    for check, original in zip(function(evidence), function(evidence.of_original()), strict=True):
        blind = check.verdict is original.verdict is Verdict.PASS
        yield replace(check, verdict=Verdict.INCONCLUSIVE, reason="blind") if blind else check
