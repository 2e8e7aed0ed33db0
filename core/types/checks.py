"""Result types of a verification: verdicts, checks, and the verification of one run.

A check is stored as a code and numbers. `core.verification` fills `code`, `reason` and `details` and
builds no text. `core.report.check_texts.render` makes the texts from a locale file. The texts are also
stored, in English, so that a record from today can be read when the codes of today are gone. Files of
version 0.1.0 have texts only; their `code` is empty.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from core.types.aliases import stored_as
from core.types.results import Advantage, Interval

Detail = str | int | float | None
"""One value of `Check.details`: a number, a code, or None where nothing could be measured."""


class Verdict(StrEnum):
    """Verdict of a check or of a verification. INCONCLUSIVE is no weak PASS: the data decide neither way.

    Only a verification has the last two: NO_TRACE where even the original shows no advantage that could be measured,
    and EXACT for a model that was retrained without the data.
    """

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NO_TRACE = "no measurable trace"
    EXACT = "exact"

    @property
    def passes(self) -> bool:
        """Whether an unlearned model with this verdict may go into service without a reason."""
        return self in (Verdict.PASS, Verdict.NO_TRACE, Verdict.EXACT)


class Part(StrEnum):
    """What a check is for.

    An ENDPOINT asks whether enough was forgotten and not too much. A GUARDRAIL stops a PASS where harm is shown. A
    CONDITION must hold for a PASS. A DESCRIPTION has no influence on the verdict.
    """

    ENDPOINT = "endpoint"
    GUARDRAIL = "guardrail"
    CONDITION = "condition"
    DESCRIPTION = "description"


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
        part: What the check is for; DESCRIPTION in files of version 0.1.0.
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
    part: Part = Part.DESCRIPTION
    name: str = ""
    source: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack or forget-quality figure of the field (core/evaluation/attacks.py).

    Attributes:
        name: Name of the figure.
        original: Its value for the original.
        unlearned: Its value for the unlearned model.
        references: Its value for each reference, compared with the other references.
    """

    name: str
    original: float
    unlearned: float
    references: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """All checks of one run.

    The fields after `not_run` are empty in files of version 0.1.0.

    Attributes:
        run: Id of the run.
        thresholds: Digest of all bounds that the checks used.
        verdict: Verdict of all checks together.
        checks: The checks in order.
        not_run: Code of each check or attack that was not run -> its stored text, empty until it is rendered.
        reason: Code of what the verdict is due to, for example "still_knows".
        details: Numbers that the sentence of the verdict needs.
        advantages: Advantage over the references by each measure.
        attacks: Figures of the field's attacks.
        attempt: Which run of the request this is, from 1; each further one is judged more strictly.
        next_steps: Codes of what can be done next, the best first.
        sentence: Stored text: the verdict with its numbers.
    """

    run: str
    thresholds: str
    verdict: Verdict
    checks: tuple[Check, ...]
    not_run: dict[str, str]
    reason: str = ""
    details: dict[str, Detail] = field(default_factory=dict)
    advantages: tuple[Advantage, ...] = ()
    attacks: tuple[Attack, ...] = ()
    attempt: int = 1
    next_steps: tuple[str, ...] = ()
    sentence: str = ""

    @property
    def deciding(self) -> tuple[Check, ...]:
        """All checks but descriptions; all checks in files of version 0.1.0, where every check decided."""
        return tuple(check for check in self.checks if check.part is not Part.DESCRIPTION) or self.checks
