"""Endpoints of the verdict: was enough forgotten, and not too much?

With theta the share that must be forgotten and k = 1 - theta, on each endpoint:

- enough was forgotten where A(unlearned) - k A(original) < 0 is shown at the level of the attempt;
- not too much was forgotten where A(unlearned) + k A(original) > 0 is shown at that level;
- the model still knows too much where A(unlearned) - k A(original) > 0 is shown at 1 %;
- the model over-forgot where A(unlearned) + k A(original) < 0 is shown at 1 %.

The contrasts are linear, so a noisy advantage of the original does no harm, as it would in a quotient. The last two
count the unlearned model's own seed, so that an honest retraining hardly ever fails.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile

from core.evaluation.advantage import Contrast, Knowledge, contrast
from core.types import Check, Part, Verdict
from core.verification.equivalence import finite_or_none

ENDPOINTS = ("log_loss", "membership")
FAIL_LEVEL = 0.01
PASS_LEVEL = 0.05  # of each one-sided test at the first attempt; halved for every further one
MIN_REFERENCES = 5
MOST_REFERENCES = 30  # more are not recommended
MOST_ROWS = 100  # times the present rows


@dataclass(frozen=True)
class Endpoint:
    """One endpoint with its tests.

    Attributes:
        measure: One of `ENDPOINTS`.
        knowledge: Knowledge of all models.
        keep: Share k of the original's advantage that may be left.
        level: Level of each one-sided test for a PASS.
    """

    measure: str
    knowledge: Knowledge
    keep: float
    level: float

    def margins(self, own_seed: bool = False) -> tuple[Contrast, Contrast]:
        """The contrasts A(unlearned) - k A(original), for enough, and A(unlearned) + k A(original), for too much."""
        return contrast(self.knowledge, 1, -self.keep, own_seed), contrast(self.knowledge, 1, self.keep, own_seed)

    @property
    def verdict(self) -> tuple[Verdict, str]:
        """Verdict of this endpoint and its reason."""
        (enough, too_much), (still, over) = self.margins(), self.margins(own_seed=True)
        if still.p_above <= FAIL_LEVEL:
            return Verdict.FAIL, "still_knows"
        if over.p_below <= FAIL_LEVEL:
            return Verdict.FAIL, "over_forgot"
        if self.knowledge.references < MIN_REFERENCES:
            return Verdict.INCONCLUSIVE, "few_references"
        if enough.p_below <= self.level and too_much.p_above <= self.level:
            return Verdict.PASS, ""
        return Verdict.INCONCLUSIVE, "no_power"

    @property
    def catches_original(self) -> bool:
        """Control: the original, which forgot nothing, is shown to know more than k of its advantage."""
        return contrast(self.knowledge, 0, self.keep).p_above <= PASS_LEVEL

    @property
    def clears_references(self) -> bool:
        """Control: no reference, compared with the others, fails; the level is shared among the references."""
        others = [self.knowledge.with_model(model) for model in range(2, len(self.knowledge.values))]
        level = FAIL_LEVEL / max(1, len(others))
        tests = [Endpoint(self.measure, other, self.keep, self.level).margins(own_seed=True) for other in others]
        return not any(still.p_above <= level or over.p_below <= level for still, over in tests)

    def trace_bound(self) -> float:
        """Upper 95 % bound of the original's advantage."""
        return contrast(self.knowledge, 0, 1).interval(self.knowledge.rows).high

    def needed(self) -> tuple[int | None, int | None]:
        """Estimate what would give a PASS if all advantages stayed the same.

        Returns:
            Number of references, and number of rows with the present references (or five); None where no reasonable
            number would.
        """
        if self.knowledge.references < 2:
            return None, None
        start = max(self.knowledge.references, MIN_REFERENCES)
        numbers = range(start, MOST_REFERENCES + 1)
        references = next((number for number in numbers if self._passes(number, 1.0)), None)
        factors = takewhile(lambda factor: factor <= MOST_ROWS, (1.25**step for step in count()))
        factor = next((factor for factor in factors if self._passes(start, factor)), None)
        return references, None if factor is None else math.ceil(self.knowledge.rows * factor)

    def _passes(self, references: int, rows: float) -> bool:
        """Whether both contrasts would be shown with so many references and so many times the rows."""
        for one, sign, weight in zip(self.margins(), (-1, 1), (-self.keep, self.keep), strict=True):
            seeds = self.knowledge.seed_variance * (1 + weight) ** 2
            sampled = one.error**2 - seeds / self.knowledge.references
            error = math.sqrt(max(0.0, sampled) / rows + seeds / references)
            would = Contrast(one.value, error, references - 1)
            if not (would.p_below if sign < 0 else would.p_above) <= self.level:
                return False
        return True

    def check(self) -> Check:
        """The endpoint as a check: the unlearned model's advantage, between -k and +k of the original's."""
        found, reason = self.verdict
        before, after = contrast(self.knowledge, 0, 1), contrast(self.knowledge, 1, 0)
        bound = self.keep * max(0.0, before.value)
        references, rows = self.needed() if found is Verdict.INCONCLUSIVE else (None, None)
        return Check(
            "V1" if self.measure == "log_loss" else "V2",
            found,
            after.interval(self.knowledge.rows),
            -bound,
            bound,
            rows,
            f"forgotten_{self.measure}",
            reason,
            {
                "original": finite_or_none(before.value),
                "bound": finite_or_none(bound),
                "keep": self.keep,
                "references": self.knowledge.references,
                "references_needed": references,
            },
            Part.ENDPOINT,
        )


def endpoints(knowledge: dict[str, Knowledge], forgotten_share: float, attempt: int) -> Iterator[Endpoint]:
    """Yield both endpoints.

    Args:
        knowledge: Knowledge by measure.
        forgotten_share: Share theta that must be forgotten.
        attempt: Which run of the request this is, from 1.
    """
    for measure in ENDPOINTS:
        yield Endpoint(measure, knowledge[measure], 1 - forgotten_share, pass_level(attempt))


def pass_level(attempt: int) -> float:
    """Level of each one-sided test for a PASS: 5 % at the first run of a request, halved for every further one.

    Together all attempts stay under 10 %, however many runs are tried.
    """
    return float(PASS_LEVEL / 2 ** (attempt - 1))
