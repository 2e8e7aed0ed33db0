"""The error rates that pages and reports tell are those of the committed file, for the bounds of the verification only."""

from dataclasses import replace

import pytest

from core.report import measured_error_rates as measured
from core.report.check_texts import reliability
from core.report.measured_error_rates import ErrorRates
from core.types import Advantage, Interval, Verdict, Verification
from core.utils.serialization import write_json
from core.verification.thresholds import Thresholds

RATES = ErrorRates(
    world="Lantern", scenes=12, references=5, kind="random", forgotten_share=0.5, thresholds="digest",
    retrained_pass=Interval(0.889, 0.6, 0.98, 12), retrained_fail=Interval(0.004, 0, 0.27, 12),
    half_pass=Interval(0.03, 0, 0.3, 12),
)  # fmt: skip
SOME = Interval(0.1, 0, 0.2, 100)
FOUND = Verification(
    "run-1", "digest", Verdict.PASS, (), {}, advantages=(Advantage("log_loss", SOME, SOME, (0.0,) * 5, None),)
)


def test_sentence_tells_rates_with_their_intervals_where_they_apply(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "FILE", tmp_path / "rates.json")
    write_json(measured.FILE, [RATES, replace(RATES, thresholds="other")])
    text = reliability(FOUND)
    assert text.count("How often") == 1
    for part in (
        "with 5 references on models whose truth is known, from 12 adapters of Lantern",
        "5% of the people, 50% to be forgotten",
        "89% (60 to 98) pass, 0% (0 to 27) fail",
        "3% (0 to 30) pass",
    ):
        assert part in text
    fewer = replace(FOUND.advantages[0], references=(0.0,) * 4)
    for other in (
        replace(FOUND, thresholds="unknown"),
        replace(FOUND, verdict=Verdict.EXACT),
        replace(FOUND, attempt=2),
        replace(FOUND, advantages=(fewer,)),
        replace(FOUND, advantages=()),
    ):
        assert reliability(other) == ""


@pytest.mark.parametrize("kind", ["random", "single"])
def test_default_bounds_were_measured(kind):
    assert any(one.kind == kind and one.scenes >= 2 for one in measured.measured_error_rates(Thresholds().digest, 5))
