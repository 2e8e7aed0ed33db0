"""python -m core review: put a verified run before those who decide, decide, and carry out what was decided."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import out
from core.cli.options import Json, Person, RequestId, RunId, WorkspacePath
from core.types import Case
from core.utils.serialization import to_json
from core.workspace import Workspace

if TYPE_CHECKING:
    pass

app = typer.Typer(no_args_is_help=True, help="From a verified run to a decision, and to what follows from it.")


@app.command()
def submit(workspace: WorkspacePath, run_id: RunId, person: Person = "", as_json: Json = False) -> None:
    """Put a verified run before those who decide."""
    from core.review.decisions import submit as put

    _told(put(Workspace(workspace), run_id, person), as_json)


@app.command()
def comment(
    workspace: WorkspacePath,
    request_id: RequestId,
    text: Annotated[str, typer.Option(help="What you say; it is destroyed with the case.")],
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Say something to the others."""
    from core.review.decisions import comment as say

    _told(say(Workspace(workspace), request_id, person, text), as_json)


@app.command()
def decide(
    workspace: WorkspacePath,
    request_id: RequestId,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="What you decide.")],
    evidence: Annotated[str, typer.Option(help="Digest of what you decide on, as `review show` prints it.")],
    reason: Annotated[
        str,
        typer.Option(help="Why; needed where the verification is inconclusive. - reads it from the standard input."),
    ] = "",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Decide, and carry it out where yours was the last word that it took."""
    from core.review.decisions import decide as say
    from core.review.execution import settle as carry_out

    place, reason = Workspace(workspace), sys.stdin.read() if reason == "-" else reason
    case = say(place, request_id, person, approve, evidence, reason)
    _told(carry_out(place) or case, as_json)


@app.command()
def settle(workspace: WorkspacePath, as_json: Json = False) -> None:
    """Go on with what a crash broke off: decisions are entered, and an approved case is carried out."""
    from core.review.execution import settle as carry_out

    case = carry_out(Workspace(workspace))
    if as_json:
        print(json.dumps(to_json(case)))
        return
    out.print(f"Request {case.request} is {case.state}." if case else "There is nothing left to do.", highlight=False)


@app.command()
def show(workspace: WorkspacePath, request_id: RequestId, as_json: Json = False) -> None:
    """Where a request stands, and the digest of its evidence."""
    from core.review.decisions import case_of

    _told(case_of(Workspace(workspace), request_id), as_json)


def _told(case: Case, as_json: bool) -> None:
    if as_json:
        print(json.dumps(to_json(case)))
        return
    out.print(f"Request {case.request}, run {case.run}: {case.state}.", highlight=False)
    for one in case.decisions:
        said = "approved" if one.approve else "rejected"
        out.print(f"  {one.person} ({one.role.replace('_', ' ')}) {said}, {one.time}", highlight=False, markup=False)
    out.print(f"Evidence {case.evidence}", highlight=False, soft_wrap=True)
