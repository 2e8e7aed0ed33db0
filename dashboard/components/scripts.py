"""Scripts of the page components, each with the functions that all share in front."""

from functools import cache
from pathlib import Path

HERE = Path(__file__).parent


@cache
def script(name: str, *parts: str) -> str:
    """Return the script of a component.

    Args:
        name: File name without suffix, such as "explorer".
        parts: Files whose functions it uses, without suffix.
    """
    return "\n".join((HERE / f"{part}.js").read_text(encoding="utf-8") for part in ("elements", *parts, name))
