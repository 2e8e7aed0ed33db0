"""Queries of the page Compare: the finished runs, the numbers of each, and a person's lists before and after."""

import math
from collections import Counter

from core.report.check_texts import sentence_of
from core.types import Advantage, Evaluation, Interval, Recommendation, RunState, Verification
from core.verification.drift_budget import fall_of
from dashboard.presenters.run_comparison import RunFacts
from dashboard.services import queries
from dashboard.services.queries import RunHandle

STORED = 10  # length of the lists that a run stores for a few users
Lists = tuple[tuple[Recommendation, ...], tuple[Recommendation, ...]]


def finished() -> dict[str, RunHandle]:
    """The finished runs that were evaluated, newest first."""
    found = queries.runs().items()
    return {name: run for name, run in found if run.status.state is RunState.DONE and run.layout.evaluation.is_file()}


def facts(run: RunHandle) -> RunFacts:
    """The numbers of one finished run."""
    verified, evaluation = queries.verification(run), queries.evaluation(run)
    groups, circuits, outcome = queries.groups(run), queries.circuits(run), queries.outcome(run)
    spec, status = run.spec, run.status
    details = verified.details if verified else {}
    advantages = _advantages(verified, evaluation)
    return RunFacts(
        spec.id,
        spec.request,
        queries.method_title(spec),
        verified.verdict if verified else None,
        sentence_of(verified) if verified else "",
        {one.measure: one.forgotten for one in advantages if _is_finite(one.forgotten) and one.forgotten},
        _number(details.get("at_least")),
        _number(details.get("confidence")),
        _fall(verified, evaluation),
        _number(details.get("test_auc_margin")),
        next((one.unlearned for one in advantages if one.measure == "membership"), None),
        Counter(row.group for row in groups or ()),
        frozenset(circuits[0].members) if circuits else frozenset(),
        None if spec.is_external else status.seconds,
        outcome.steps if outcome and not spec.is_external else None,
        status.device or spec.device,
    )


def _advantages(verified: Verification | None, evaluation: Evaluation | None) -> tuple[Advantage, ...]:
    """The advantages over the references; those of the verification have the level of the run's attempt."""
    if verified and verified.advantages:
        return verified.advantages
    return evaluation.advantages if evaluation else ()


def _fall(verified: Verification | None, evaluation: Evaluation | None) -> Interval | None:
    """The fall of the test AUC, with an interval where a verification measured it."""
    checks = verified.checks if verified else ()
    if check := next((one for one in checks if one.code == "utility_test" and _is_finite(one.value)), None):
        return check.value
    fall = fall_of(evaluation)
    return None if fall is None else Interval(fall, math.nan, math.nan, 0)


def _is_finite(found: Interval | None) -> bool:
    return found is not None and math.isfinite(found.low + found.high)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def people(runs: list[RunHandle]) -> tuple[list[str], str]:
    """The users whose lists every run can show, and the one to begin with: one whose lists all runs have stored."""
    workspace = queries.workspace()
    shown = [queries.selectable_users(workspace.request(run.spec.request)) for run in runs]
    everyone = [user for user in shown[0] if all(user in one for one in shown[1:])]
    evaluations = [found for run in runs if (found := queries.evaluation(run))]
    stored = set.intersection(*({one.user for one in found.lists} for found in evaluations))
    return everyone, next((user for user in everyone if user in stored), everyone[0])


def lists(run: RunHandle, user: str) -> Lists:
    """A person's top list before and after a run: as the run stored it, else computed by the models now.

    Raises:
        ModelError: It is not stored, and one of the two models is gone.
    """
    evaluation = queries.evaluation(run)
    stored = next((one for one in evaluation.lists if one.user == user), None) if evaluation else None
    if stored:
        return stored.original, stored.unlearned
    from dashboard.services import models  # loads torch

    found = models.lists(run, user, STORED)
    return found[models.ORIGINAL], found[models.UNLEARNED]
