"""What a verification found, check by check."""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.results import Interval


class Verdict(StrEnum):
    """INCONCLUSIVE is no soft PASS: the numbers do not suffice to tell."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Check:
    """One question that was asked of a model that is said to have forgotten.

    id: as in the list of checks, V0 to V12; name: what is measured. value: with its 90 % interval. low, high: what passes, null
    where that side is open; source: where these bounds come from. rows_needed: about how many rows would tell, where these do
    not; null where no number would. sentence: the answer, for a person without training.
    """

    id: str
    name: str
    verdict: Verdict
    value: Interval
    low: float | None
    high: float | None
    source: str
    rows_needed: int | None = field(metadata=stored_as("needed"))
    sentence: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one run. thresholds: a digest of every bound, which the run was started with. verdict: of all together.
    not_run: checks that were not asked and attacks that never are, in words.
    """

    run: str
    thresholds: str
    verdict: Verdict
    checks: tuple[Check, ...]
    not_run: dict[str, str]
