"""How many forgotten rows a verdict takes, from the noise that an earlier verification measured.

1. The standard error SE of an advantage holds both sources of chance: SE^2 = SE_rows^2 + s^2 / J, with J references
   and s the standard deviation of an advantage by the seed of one of them. The references' own advantages tell s, so
   SE_rows is known; it falls with 1 / sqrt(rows), s does not.
2. A model that forgot all is to be shown to have forgotten enough and not too much. With k the share of the original's
   advantage A that may be left, the harder contrast is A(unlearned) + k A(original), whose expected value is k A.
3. It is shown with 80 % power where k A >= (t_level + t_.80) SE.

The correlation of the two advantages is not stored, so their errors are added, which asks for too many rows rather
than for too few.
"""

import math

import numpy as np
from scipy.stats import t as student

from core.types import Advantage, Interval, Verification
from core.verification.endpoints import ENDPOINTS, MIN_REFERENCES, PASS_LEVEL, pass_level

POWER = 0.8


def measures_noise(verification: Verification) -> bool:
    """Whether a verification tells the noise of both endpoints: it takes rows and at least two references."""
    known = {one.measure: one for one in verification.advantages if len(one.references) > 1}
    return all(name in known and math.isfinite(known[name].original.high) for name in ENDPOINTS)


def has_advantage(measured: Verification) -> bool:
    """Whether the original knows more than the references on both endpoints; else no number of rows helps."""
    return all(one.original.value > 0 for one in measured.advantages if one.measure in ENDPOINTS)


def rows_for_verdict(measured: Verification, forgotten_share: float) -> int | None:
    """About how many forgotten rows of the same kind would give a verdict with five references.

    Args:
        measured: A verification that measures the noise.
        forgotten_share: Share that must be forgotten for a PASS.

    Returns:
        The number of rows for the endpoint that takes more; None where the seeds' noise alone is too large, or the
        original has no advantage.
    """
    quantile = float(student.ppf(1 - pass_level(measured.attempt), _freedom(measured.advantages[0])))
    ends = [one for one in measured.advantages if one.measure in ENDPOINTS]
    found = max(_rows(one, 1 - forgotten_share, quantile) for one in ends)
    return math.ceil(found) if math.isfinite(found) else None


def _rows(measured: Advantage, keep: float, quantile: float) -> float:
    """Rows for one endpoint; `quantile` makes intervals of standard errors."""
    references, freedom = len(measured.references), MIN_REFERENCES - 1
    # Each reference is compared with the mean of the others, which widens its deviation by J / (J - 1).
    seeds = float(np.var(measured.references, ddof=1)) * ((references - 1) / references) ** 2
    own, original = (_rows_error(one, quantile, seeds / references) for one in (measured.unlearned, measured.original))
    shown = student.ppf(1 - PASS_LEVEL, freedom) + student.ppf(POWER, freedom)
    allowed = (keep * max(0.0, measured.original.value) / shown) ** 2
    left = float(allowed - seeds * (1 + keep) ** 2 / MIN_REFERENCES)
    return measured.original.n * (own + keep * original) ** 2 / left if left > 0 else math.inf


def _rows_error(value: Interval, quantile: float, seeds: float) -> float:
    """The part of a standard error that other rows would change."""
    error = (value.high - value.low) / 2 / quantile
    return math.sqrt(max(0.0, error**2 - seeds))


def _freedom(measured: Advantage) -> int:
    return max(1, len(measured.references) - 1)
