"""How often the verdict errs, in one sentence for each kind of request that was measured."""

from collections.abc import Sequence

from core.report.localization import Locale, text_id
from core.report.measured_error_rates import ErrorRates, measured_error_rates
from core.types import Interval, Verdict, Verification


def error_rates_text(verification: Verification, texts: Locale) -> str:
    """Return the sentences for such a verdict; "" where it rests on no test or its rates were not measured.

    A later attempt is judged at a stricter level, and fewer references are noisier: their rates are others.
    """
    if verification.verdict is Verdict.EXACT or verification.attempt > 1 or not verification.advantages:
        return ""
    rates = measured_error_rates(verification.thresholds, len(verification.advantages[0].references))
    sources = dict.fromkeys((one.world, one.scenes, one.references) for one in rates)
    return " ".join(_of_source(source, [one for one in rates if one.world == source[0]], texts) for source in sources)


def _of_source(source: tuple[str, int, int], rates: Sequence[ErrorRates], texts: Locale) -> str:
    world, scenes, references = source
    first = texts.text("error-rates-source", world=world, scenes=scenes, references=references)
    return " ".join([first, *(_of_kind(one, texts) for one in rates)])


def _of_kind(rates: ErrorRates, texts: Locale) -> str:
    kind, share = texts.text(text_id("error-rates", rates.kind)), round(100 * rates.forgotten_share)
    passed, failed, half = (_rate(one, texts) for one in (rates.retrained_pass, rates.retrained_fail, rates.half_pass))
    return texts.text("error-rates-of", kind=kind, share=share, passed=passed, failed=failed, half=half)


def _rate(rate: Interval, texts: Locale) -> str:
    return texts.text("error-rate", **{name: round(100 * getattr(rate, name)) for name in ("value", "low", "high")})
