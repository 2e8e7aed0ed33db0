"""Options that several commands share, and those that hold several things."""

from pathlib import Path
from typing import Annotated

import typer

from core.data.readers import Columns
from core.errors import DataError, RequestError
from core.review.permissions import require
from core.types import Act
from core.workspace import Workspace

WorkspacePath = Annotated[
    Path, typer.Option("--workspace", "-w", help="The workspace folder: one recommender with its requests and runs.")
]
RequestId = Annotated[str, typer.Option("--request", "-r", help="The request's id, as `request` printed it.")]
RunId = Annotated[str, typer.Option("--run", help="The run's id, as `run` printed it.")]
# Whoever can write the workspace's files can be anybody here; it is the pages where people log in.
Person = Annotated[
    str, typer.Option("--as", help="Who you are among the workspace's people; left out where it has none.")
]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text, for scripts.")]


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


def for_runs(path: Path, person: str) -> Workspace:
    """A workspace in which this person may have runs. Raises ReviewError."""
    place = Workspace(path)
    require(place, person, Act.RUN)
    return place


# Nothing that a worker needs is fetched: `prepare` has done that. What is set already stays, for who wants it otherwise.
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY", "HF_HUB_DISABLE_IMPLICIT_TOKEN")
