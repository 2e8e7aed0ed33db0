"""What `python -m core doctor` found: one line for each check, and one for each damaged file."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from core.errors import CureLensError
from core.types.aliases import stored_as


@dataclass(frozen=True, slots=True)
class Finding:
    """Outcome of one check.

    Attributes:
        name: Name of the check; of a damaged file its path, relative to the workspace.
        ok: Whether there is no problem.
        detail: The state that was found, or the problem.
        fix: How to fix the problem; empty if there is none, or the detail says it.
    """

    name: str
    ok: bool
    detail: str = field(metadata=stored_as("said"))
    fix: str = field(default="", metadata=stored_as("mend"))


def guarded(name: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of a check; an error becomes a finding, so that the next check follows."""
    try:
        yield from check()
    except CureLensError as error:
        yield Finding(name, False, str(error))
    except OSError as error:
        fault = f"{error.filename} cannot be read ({error.strerror}): check its permissions, or restore it."
        yield Finding(name, False, fault)
