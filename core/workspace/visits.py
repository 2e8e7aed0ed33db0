"""When each person visited the workspace last, so that a page can tell what changed since.

The times stay in the workspace, under a digest of the name; nothing is recorded about what a person looked at.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from core.errors import DamagedError, WorkspaceError
from core.types.times import IsoTime
from core.utils.serialization import read_json, write_json
from core.workspace.workspace import Workspace

log = logging.getLogger("core")
PAUSE = timedelta(minutes=30)  # a longer one begins a new visit


@dataclass(frozen=True, slots=True)
class Visit:
    """The visit of one person.

    Attributes:
        now: When the person was here last, as ISO 8601 in UTC.
        before: The end of the visit before this one; "" on the first.
    """

    now: IsoTime
    before: IsoTime = ""


def record_visit(workspace: Workspace, person: str, now: str) -> str:
    """Record that a person is here.

    Args:
        workspace: The workspace.
        person: Name of the person; "" where nobody is logged in.
        now: The time, as ISO 8601 in UTC.

    Returns:
        The end of the visit before; "" on the first visit, and where the workspace cannot be written to.
    """
    path = workspace.layout.visit(person)
    try:
        last = read_visit(path) if path.is_file() else None
    except DamagedError as error:
        log.warning("%s It counts as a first visit.", error)
        last = None
    ended = last is not None and datetime.fromisoformat(now) - datetime.fromisoformat(last.now) > PAUSE
    before = last.now if last and ended else last.before if last else ""
    try:
        write_json(path, Visit(now, before))
    except (OSError, WorkspaceError):
        return ""
    return before


def read_visit(path: Path) -> Visit:
    """Read the visit of one person.

    Raises:
        DamagedError: The file holds something else.
    """
    if not (visit := read_json(path, Visit)).now:
        raise DamagedError(f"{path} is damaged (field now must be a time in UTC): remove it.")
    return visit
