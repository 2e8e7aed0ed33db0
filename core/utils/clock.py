"""Timestamps."""

from datetime import UTC, datetime


def utc_now(timespec: str = "seconds") -> str:
    """Return the current time in UTC as ISO 8601, to the second or to another `timespec` of `datetime.isoformat`."""
    return datetime.now(UTC).isoformat(timespec=timespec)
