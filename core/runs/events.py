"""Events of a run as they lie in its file, one JSON object a line: the fields that readers ask for are checked."""

from dataclasses import make_dataclass
from typing import Any

from core.utils.serialization import from_json, parse_json

STEP, ADAPTER, RESULT, ESTIMATE = "step", "adapter", "result", "estimate"
MORE: dict[str, tuple[tuple[str, type], ...]] = {
    STEP: (("step", int), ("steps", int), ("seconds", float)),
    ADAPTER: (("sha256", str),),
    RESULT: (("file", str), ("mark", str)),
    ESTIMATE: (("estimated", float), ("peak_bytes", float)),
}
ANY = make_dataclass("event", [("kind", str), ("seconds", float, 0.0)], kw_only=True)
KINDS = {kind: make_dataclass(kind, more, bases=(ANY,), kw_only=True) for kind, more in MORE.items()}


def read_event(line: str, origin: str) -> dict[str, Any]:
    """The event of a line.

    Args:
        line: The line.
        origin: The file and the line's number, for the error message.

    Raises:
        DamagedError: It is not an event, or lacks a field.
    """
    event: dict[str, Any] = parse_json(line, dict[str, Any], origin)
    from_json(KINDS.get(str(event.get("kind")), ANY), event, origin)
    return event
