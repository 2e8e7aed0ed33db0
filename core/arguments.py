"""Options of the command line that hold several things."""

from core.data.readers import Columns
from core.errors import DataError, RequestError


def columns_of(text: str) -> Columns:
    """Names of columns: user=U,item=I,title=T,rating=R,time=Z. Raises DataError."""
    try:
        return Columns(**dict(part.split("=", 1) for part in parts_of(text)))
    except (TypeError, ValueError):
        raise DataError(f"Columns {text!r} are not understood: write user=U,item=I,title=T,rating=R,time=Z.") from None


def parts_of(text: str) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in text.split(",") if part.strip()]


def pairs_of(text: str) -> list[tuple[str, str]]:
    """USER:ITEM pairs between commas. Raises RequestError."""
    if bad := next((part for part in parts_of(text) if ":" not in part), None):
        raise RequestError(f"Interaction {bad!r} is not USER:ITEM: write for example 4:318.")
    return [(user, item) for user, _, item in (part.partition(":") for part in parts_of(text))]
