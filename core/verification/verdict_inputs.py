"""All that a verdict is computed from, without ids, so that anybody can compute it again without a model.

Users become pseudonyms in the order of their ids, because the bootstrap depends on that order. Top lists, which no
check reads, are left out.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import numpy as np

from core.types import Check, Drift, Verification
from core.verification.drift_budget import advise_retraining
from core.verification.evidence import Evidence
from core.verification.plain_arrays import from_plain, to_plain
from core.verification.suite import run_suite

MODEL, ORIGINAL, REFERENCE, RULES = "model", "original", "reference", "rules"
Parts = dict[str, Any]  # JSON values by name: the answers of each model, and RULES for all the rest


@dataclass(frozen=True)
class VerdictInputs:
    """The inputs of one verdict.

    Attributes:
        run: Id of the run.
        evidence: Outputs of the models, and the margins.
        exact: Checks of files.
        retrained: Whether the run trained the adapter again without the data.
        drift: What was carried out before.
        fall: Fall of the test AUC by the run; None where it was not measured.
    """

    run: str
    evidence: Evidence
    exact: tuple[Check, ...]
    retrained: bool
    drift: Drift
    fall: float | None


def judge(inputs: VerdictInputs) -> Verification:
    """Run all checks, and say whether retraining is due. The result has no texts."""
    found = run_suite(inputs.run, inputs.evidence, inputs.exact, inputs.retrained)
    return advise_retraining(found, inputs.drift, inputs.fall, inputs.evidence.thresholds.test_auc_fall)


def without_ids(evidence: Evidence) -> Evidence:
    """The evidence with a pseudonym in place of each user, and without top lists."""
    models = [
        replace(one, outputs=replace(one.outputs, lists={}))
        for one in (evidence.model, evidence.original, *evidence.references)
    ]
    users = sorted({*evidence.neighbours, *(user for one in models for user in _users(one))})
    names = {user: f"pseudonym-{number:0{len(str(len(users)))}}" for number, user in enumerate(users, 1)}
    model, original, *references = (_renamed(one, names) for one in models)
    neighbours = frozenset(names[user] for user in evidence.neighbours)
    return replace(evidence, model=model, original=original, references=tuple(references), neighbours=neighbours)


def _users(value: Any) -> Iterator[str]:
    """All users in answers, whose arrays of text hold nothing else."""
    if isinstance(value, np.ndarray):
        yield from value.tolist() if value.dtype.kind == "U" else ()
    elif is_dataclass(value):
        yield from (user for one in fields(value) for user in _users(getattr(value, one.name)))
    elif isinstance(value, Mapping | tuple):
        yield from (user for one in (value.values() if isinstance(value, Mapping) else value) for user in _users(one))


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Answers with other names for their users."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return np.array([names[user] for user in value.tolist()], str)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _renamed(getattr(value, one.name), names) for one in fields(value)})
    if isinstance(value, Mapping):
        return {key: _renamed(one, names) for key, one in value.items()}
    return tuple(_renamed(one, names) for one in value) if isinstance(value, tuple) else value


def to_parts(inputs: VerdictInputs) -> Parts:
    """The inputs as JSON values, in parts that can be told apart."""
    rest = to_plain(inputs)
    models = rest["evidence"]
    references = {f"{REFERENCE} {number}": one for number, one in enumerate(models.pop("references"), 1)}
    return {MODEL: models.pop("model"), ORIGINAL: models.pop("original"), **references, RULES: rest}


def from_parts(parts: Parts) -> VerdictInputs:
    """The inverse of `to_parts`.

    Raises:
        ValueError: A part is missing, or has another form.
    """
    try:
        references = [parts[f"{REFERENCE} {number}"] for number in range(1, len(parts) - 2)]
        models = {"model": parts[MODEL], "original": parts[ORIGINAL], "references": references}
        whole = {**parts[RULES], "evidence": {**parts[RULES]["evidence"], **models}}
        found: VerdictInputs = from_plain(VerdictInputs, whole)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{type(error).__name__} {error}") from error
    return found
