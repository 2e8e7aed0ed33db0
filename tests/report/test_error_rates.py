"""The error rates that pages and reports tell are those of the committed file, for the bounds of the verification only."""

from dataclasses import replace

import pytest

from core.report import measured_error_rates as measured
from core.report.check_texts import reliability
from core.report.measured_error_rates import ErrorRates
from core.types import Verdict, Verification
from core.utils.serialization import write_json
from core.verification.thresholds import Thresholds

RATES = ErrorRates("Lantern", 12, "random", "digest", retrained_pass=0.889, retrained_fail=0.004, half_pass=0.03)
FOUND = Verification("run-1", "digest", Verdict.PASS, (), {})


def test_sentence_counts_models_of_a_hundred(tmp_path, monkeypatch):
    monkeypatch.setattr(measured, "FILE", tmp_path / "rates.json")
    write_json(measured.FILE, [RATES, replace(RATES, thresholds="other")])
    text = reliability(FOUND)
    assert text.count("How often") == 1
    for part in (
        "(Lantern, 12 adapters). Requests of 5 % of the people",
        "lets 89 pass, fails 0 and leaves 11",
        "lets 3 pass",
    ):
        assert part in text
    assert reliability(replace(FOUND, thresholds="unknown")) == ""
    assert reliability(replace(FOUND, verdict=Verdict.EXACT)) == ""


@pytest.mark.parametrize("kind", ["random", "single"])
def test_default_bounds_were_measured(kind):
    assert any(one.kind == kind and one.scenes >= 2 for one in measured.measured_error_rates(Thresholds().digest))
