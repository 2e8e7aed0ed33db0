"""How often the verdict errs, in one sentence for each kind of request that was measured."""

from core.report.localization import Locale, text_id
from core.report.measured_error_rates import ErrorRates, measured_error_rates


def error_rates_text(thresholds: str, texts: Locale) -> str:
    """Return the sentences for verdicts with these bounds; "" where no rates were measured with them."""
    return " ".join(_sentence(one, texts) for one in measured_error_rates(thresholds))


def _sentence(rates: ErrorRates, texts: Locale) -> str:
    passed, failed, half = (round(100 * one) for one in (rates.retrained_pass, rates.retrained_fail, rates.half_pass))
    return texts.text(
        "error-rates",
        world=rates.world,
        scenes=rates.scenes,
        kind=texts.text(text_id("error-rates", rates.kind)),
        passed=passed,
        failed=failed,
        open=100 - passed - failed,
        half=half,
    )
