"""Result types of a verification: verdicts, checks, and the verification of one run.

A check is stored as a code and numbers. `core.verification` fills `code`, `reason` and `details` and
builds no text. `core.report.check_texts.render` makes the texts from a locale file. The texts are also
stored, in English, so that a record from today can be read when the codes of today are gone. Files of
version 0.1.0 have texts only; their `code` is empty.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.results import Interval

Detail = str | int | float | None
"""One value of `Check.details`: a number, a code, or None where nothing could be measured."""


class Verdict(StrEnum):
    """Verdict of a check. INCONCLUSIVE is no weak PASS: the data decide neither way."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check of an unlearned model.

    Attributes:
        id: Place in the list of checks, "V0" to "V12".
        verdict: PASS, FAIL or INCONCLUSIVE.
        value: The measured value with its 90 % interval.
        low: Lower bound of the range that passes; None where that side is open.
        high: Upper bound of the range that passes; None where that side is open.
        rows_needed: About how many rows would give a verdict; None where no number would.
        code: Stable name of the measurement, for example "residual". One verification has each code once.
        reason: Code of what the verdict is due to, for example "few_rows"; may be empty.
        details: Numbers and codes that the texts need, for example the number of references.
        name: Stored text: the measurement.
        source: Stored text: the origin of the bounds.
        sentence: Stored text: the result for a reader without training in statistics.
    """

    id: str
    verdict: Verdict
    value: Interval
    low: float | None
    high: float | None
    rows_needed: int | None = field(metadata=stored_as("needed"))
    code: str = ""
    reason: str = ""
    details: dict[str, Detail] = field(default_factory=dict)
    name: str = ""
    source: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one run.

    Attributes:
        run: Id of the run.
        thresholds: Digest of all bounds that the checks used.
        verdict: Verdict of all checks together.
        checks: The checks in order.
        not_run: Code of each check or attack that was not run -> its stored text, empty until it is rendered.
    """

    run: str
    thresholds: str
    verdict: Verdict
    checks: tuple[Check, ...]
    not_run: dict[str, str]
