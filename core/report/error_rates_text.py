"""How often the verdict errs, in one sentence for each kind of request that was measured."""

from collections.abc import Sequence

from core.report.localization import Locale, text_id
from core.report.measured_error_rates import ErrorRates, measured_error_rates


def error_rates_text(thresholds: str, texts: Locale) -> str:
    """Return the sentences for verdicts with these bounds; "" where no rates were measured with them."""
    rates = measured_error_rates(thresholds)
    worlds = dict.fromkeys((one.world, one.scenes) for one in rates)
    return " ".join(
        _of_world(world, scenes, [one for one in rates if one.world == world], texts) for world, scenes in worlds
    )


def _of_world(world: str, scenes: int, rates: Sequence[ErrorRates], texts: Locale) -> str:
    source = texts.text("error-rates-source", world=world, scenes=scenes)
    return " ".join([source, *(_of_kind(one, texts) for one in rates)])


def _of_kind(rates: ErrorRates, texts: Locale) -> str:
    passed, failed, half = (round(100 * one) for one in (rates.retrained_pass, rates.retrained_fail, rates.half_pass))
    kind, left = texts.text(text_id("error-rates", rates.kind)), 100 - passed - failed
    return texts.text("error-rates-of", kind=kind, passed=passed, failed=failed, open=left, half=half)
