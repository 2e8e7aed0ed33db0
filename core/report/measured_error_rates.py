"""Error rates of the verdict on models of known truth, as benchmarks/error_rates.py measured them."""

from dataclasses import dataclass
from pathlib import Path

from core.utils.serialization import read_json

FILE = Path(__file__).with_name("error_rates.json")


@dataclass(frozen=True, slots=True)
class ErrorRates:
    """Rates for one kind of request in one world, each in [0, 1] and a mean over scenes.

    Attributes:
        world: Name of the workspace whose data and recipe were used.
        scenes: Number of scenes: adapters, each with its own request and models.
        kind: Kind of request: "random" for 5 % of the people, "single" for one person, "genre" for one genre.
        thresholds: Digest of the bounds that were used.
        retrained_pass: Share of honest retrainings that passed, or showed no measurable trace.
        retrained_fail: Share of honest retrainings that failed.
        half_pass: Share of models that passed although they still knew half of what the original knew.
    """

    world: str
    scenes: int
    kind: str
    thresholds: str
    retrained_pass: float
    retrained_fail: float
    half_pass: float


def measured_error_rates(thresholds: str) -> tuple[ErrorRates, ...]:
    """Return the rates that were measured with these bounds; none where they were not."""
    return tuple(one for one in read_json(FILE, tuple[ErrorRates, ...]) if one.thresholds == thresholds)
