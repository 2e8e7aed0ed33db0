"""Options that several commands share, and parsers of options that hold several values."""

import csv
import io
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated

import typer

from core.data.readers import Columns
from core.errors import DataError, RequestError, WorkspaceError
from core.review.permissions import require
from core.types import Action
from core.workspace import Workspace
from core.workspace.layout import WorkspaceLayout

WorkspacePath = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder: one recommender with its requests and runs.")
]
RequestId = Annotated[str, typer.Option("--request", "-r", help="The request's id, as printed by `request`.")]
RunId = Annotated[str, typer.Option("--run", help="The run's id, as printed by `run`.")]
# No authentication here: whoever can write the workspace's files can do everything anyway. The dashboard has a log-in.
Person = Annotated[
    str, typer.Option("--as", help="Your name in the workspace's list of people; not needed where there is no list.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
LINKS = 40  # as many as Linux follows
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text, for scripts.")]


def output_path(path: Path, *workspaces: Workspace) -> Path:
    """The path of a file or folder to write: links are followed outside of workspaces, and never inside one.

    Others write in a workspace, and can plant a link in place of what is to be written.

    Args:
        path: The path.
        workspaces: Those that the command opened; any other folder with a workspace's settings file counts too.

    Raises:
        WorkspaceError: It leads through too many links.
    """
    roots = {one.root for one in workspaces}
    for _ in range(LINKS):
        path = Path(os.path.abspath(path))  # noqa: PTH100 - `resolve` would follow links
        for part in (*reversed(path.parents), path):
            if part.is_symlink():
                path = part.parent / part.readlink() / path.relative_to(part)
                break
            if part in roots or WorkspaceLayout(part).settings.exists():
                return path
        else:
            return path
    raise WorkspaceError(f"{path} leads through too many links: name the file itself.")


def columns_of(text: str) -> Columns:
    """Parse names of columns: user=U,item=I,title=T,rating=R,time=Z,genres=G.

    Raises:
        DataError: The text has another form.
    """
    try:
        return Columns(**dict(part.split("=", 1) for part in parts_of(text)))
    except (TypeError, ValueError):
        raise DataError(
            f"Columns {text!r} cannot be read: write user=U,item=I,title=T,rating=R,time=Z,genres=G."
        ) from None


def parts_of(text: str) -> list[str]:
    """The non-empty parts of a text between commas or on lines, without blanks around them.

    Double quotes protect a comma and a line end.

    Raises:
        RequestError: A part is too long to be a name.
    """
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), skipinitialspace=True))
    except csv.Error as error:
        raise RequestError(f"The list {text[:40]!r}... cannot be read ({error}): write A,B,C.") from None
    return [part.strip() for parts in lines for part in parts if part.strip()]


def joined(parts: Iterable[str]) -> str:
    """The text that `parts_of` reads as these parts."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(parts)  # so that it puts quotes around either character
    return text.getvalue().removesuffix("\r\n")


def pairs_of(text: str, exists: Callable[[str, str], bool]) -> list[tuple[str, str]]:
    """Parse USER:ITEM pairs that are separated by commas. Ids may hold colons themselves.

    Args:
        text: The pairs.
        exists: Whether a user has an interaction with an item; it tells which colon parts the ids.

    Raises:
        RequestError: A part is not a pair, or several.
    """
    return [_pair_of(part, exists) for part in parts_of(text)]


def _pair_of(part: str, exists: Callable[[str, str], bool]) -> tuple[str, str]:
    pairs = [(part[:at], part[at + 1 :]) for at, char in enumerate(part) if char == ":"]
    if not pairs:
        raise RequestError(f"Interaction {part!r} is not USER:ITEM: write for example 4:318.")
    found = [pair for pair in pairs if exists(*pair)]
    if len(found) > 1:
        raise RequestError(f"Interaction {part!r} can be read as {found[0]} and as {found[1]}: choose it on the page.")
    return found[0] if found else pairs[0]


def workspace_for_runs(path: Path, person: str) -> Workspace:
    """Open a workspace in which a person may start and change runs.

    Args:
        path: The workspace folder.
        person: Name of the person; empty where the workspace has no list of people.

    Raises:
        ReviewError: The person may not.
    """
    workspace = Workspace(path)
    require(workspace, person, Action.RUN)
    return workspace


# A worker downloads nothing: `prepare` has fetched everything. Variables that are set already keep their values.
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_IMPLICIT_TOKEN")
