"""python -m core review: put a verified run before those who decide, decide, and carry out what was decided."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from core.arguments import Json, Person, RequestId, RunId, WorkspacePath
from core.console import err, out
from core.files import plain
from core.types import Case
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.review.afterwards import Found

app = typer.Typer(no_args_is_help=True, help="From a verified run to a decision, and to what follows from it.")


@app.command()
def submit(workspace: WorkspacePath, run_id: RunId, person: Person = "", as_json: Json = False) -> None:
    """Put a verified run before those who decide."""
    from core.review.decide import submit as put

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
    from core.review.decide import comment as say

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
    from core.review.decide import decide as say
    from core.review.outbox import settle as carry_out

    place, reason = Workspace(workspace), sys.stdin.read() if reason == "-" else reason
    case = say(place, request_id, person, approve, evidence, reason)
    _told(carry_out(place) or case, as_json)


@app.command()
def settle(workspace: WorkspacePath, as_json: Json = False) -> None:
    """Go on with what a crash broke off: decisions are entered, and an approved case is carried out."""
    from core.review.outbox import settle as carry_out

    case = carry_out(Workspace(workspace))
    if as_json:
        print(json.dumps(plain(case)))
        return
    out.print(f"Request {case.request} is {case.state}." if case else "There is nothing left to do.", highlight=False)


@app.command()
def show(workspace: WorkspacePath, request_id: RequestId, as_json: Json = False) -> None:
    """Where a request stands, and the digest of its evidence."""
    from core.review.decide import case_of

    _told(case_of(Workspace(workspace), request_id), as_json)


def verify_destruction(
    workspace: WorkspacePath,
    request_id: Annotated[
        str, typer.Option("--request", "-r", help="One request; left out, all that are closed.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Look through every file of the workspace for what closed requests took out, by the pseudonyms and digests of the ledger."""
    from core.review.afterwards import look_again

    place = Workspace(workspace)
    found = look_again(place, request_id or None)
    if as_json:
        print(json.dumps(plain(found)))
    else:
        _looked(found, place)
    if not found.clean:
        raise typer.Exit(1)


def _looked(found: "Found", place: Workspace) -> None:
    if not found.requests:
        err.print("No destruction is in the ledger: nothing was searched for.", style="red")
    for name in found.traces:
        err.print(f"{name} still shows something.", style="red", highlight=False, soft_wrap=True)
    if not found.served:
        err.print("The adapter in use is not the one that was approved last: ask who exchanged it.", style="red")
    if found.clean:
        told = f"Of {', '.join(found.requests)} nothing is found in {place.root}, and the approved adapter is in use."
        out.print(told, highlight=False, soft_wrap=True)


def _told(case: Case, as_json: bool) -> None:
    if as_json:
        print(json.dumps(plain(case)))
        return
    out.print(f"Request {case.request}, run {case.run}: {case.state}.", highlight=False)
    for one in case.decisions:
        said = "approved" if one.approve else "rejected"
        out.print(f"  {one.person} ({one.role.replace('_', ' ')}) {said}, {one.time}", highlight=False, markup=False)
    out.print(f"Evidence {case.evidence}", highlight=False, soft_wrap=True)
