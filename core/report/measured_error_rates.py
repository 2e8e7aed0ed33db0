"""Error rates of the verdict on models of known truth, as benchmarks/error_rates.py measured them."""

from dataclasses import dataclass
from pathlib import Path

from core.types import Interval
from core.utils.serialization import read_json

FILE = Path(__file__).with_name("error_rates.json")


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Rates for one kind of request in one world: means over scenes in [0, 1], with 95 % intervals.

    Attributes:
        world: Name of the workspace whose data and recipe were used.
        scenes: Number of scenes: adapters, each with its own request and models.
        references: Number of references of each verdict.
        kind: Kind of request: "random" for 5 % of the people, "single" for one person, "genre" for one genre.
        forgotten_share: Share to be forgotten.
        thresholds: Digest of the bounds that were used, the share among them.
        retrained_pass: Share of honest retrainings that passed, or showed no measurable trace.
        retrained_fail: Share of honest retrainings that failed.
        half_pass: Share of models that passed although they still knew half of what the original knew.
    """

    world: str
    scenes: int
    references: int
    kind: str
    forgotten_share: float
    thresholds: str
    retrained_pass: Interval
    retrained_fail: Interval
    half_pass: Interval


def measured_error_rates(thresholds: str, references: int) -> tuple[ErrorRates, ...]:
    """Return the rates that were measured with these bounds and at most so many references."""
    rates = read_json(FILE, tuple[ErrorRates, ...])
    return tuple(one for one in rates if one.thresholds == thresholds and one.references <= references)
