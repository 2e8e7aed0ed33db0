"""Numbers that a spreadsheet or a data frame wrote without their last digits, so that several became one."""

import re

EXACT = 2.0**53  # from here on, a float does not hold every whole number
SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,](\d*))?[eE]\+(\d{1,4})")  # as Excel writes 123456789012: 1.23457E+11


def is_rounded(text: str) -> bool:
    """Whether a number is in scientific notation with too few digits to tell it from its neighbours."""
    found = SCIENTIFIC.fullmatch(text)
    return found is not None and len(found[1] or "") < int(found[2])
