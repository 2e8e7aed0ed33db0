"""How many rows a verdict takes, in one sentence; the same words on pages and in the terminal."""

import math

from core.report.check_texts import ENGLISH
from core.report.localization import locale
from core.types import RowsNeeded


def rows_needed_text(found: RowsNeeded) -> str:
    """Return the sentence. Raises RunError where fluent.runtime is not installed."""
    values = {"requests": found.requests, "rows": found.rows}
    if found.needed is None:
        reason = "unknown" if not found.measured else "hopeless" if found.advantage else "no-advantage"
        name = f"rows-needed-{reason}"
    else:
        name = "rows-needed-enough" if found.rows >= found.needed else "rows-needed-more"
        together = math.ceil(found.requests * found.needed / found.rows) if found.rows else 0
        values |= {"needed": _rounded(found.needed), "together": together}
    return locale(ENGLISH).text(name, **values)


def _rounded(rows: int) -> int:
    """A number of rows with two digits: the estimate is no better."""
    unit = int(10 ** max(0, len(str(rows)) - 2))
    return math.ceil(rows / unit) * unit
