"""`python -m core review`: submit a verified run, decide on it, and carry out the decision."""

import json
import sys
from typing import Annotated

import typer

from core.cli.console import out
from core.cli.options import Json, Person, RequestId, RunId, WorkspacePath
from core.errors import CureLensError, ReviewError
from core.review import decisions
from core.types import Case, CaseState
from core.utils.commands import command_line
from core.utils.serialization import to_json
from core.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="Review of verified runs: submit, decide, carry out.")


@app.command()
def submit(workspace: WorkspacePath, run_id: RunId, person: Person = "", as_json: Json = False) -> None:
    """Submit a verified run for review."""
    _print_case(decisions.submit(Workspace(workspace), run_id, person), as_json)


@app.command()
def comment(
    workspace: WorkspacePath,
    request_id: RequestId,
    text: Annotated[str, typer.Option(help="Your comment; it is destroyed with the case.")],
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Add a comment for the other reviewers."""
    _print_case(decisions.comment(Workspace(workspace), request_id, person, text), as_json)


@app.command()
def decide(
    root: WorkspacePath,
    request_id: RequestId,
    approve: Annotated[bool, typer.Option("--approve/--reject", help="Your decision.")],
    evidence: Annotated[str, typer.Option(help="Digest of the evidence, as printed by `review show`.")],
    reason: Annotated[
        str,
        typer.Option(
            help="Your reason; a rejection needs it, and the approval of an inconclusive run. - reads standard input."
        ),
    ] = "",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Record your decision; if it is the last one that is required, the request is carried out."""
    from core.review.execution import execute_decisions  # loads the signing libraries

    workspace, reason = Workspace(root), sys.stdin.read() if reason == "-" else reason
    case = decisions.decide(workspace, request_id, person, approve, evidence, reason)
    try:
        executed = execute_decisions(workspace)
    except CureLensError as error:
        if (waiting := decisions.case_of(workspace, request_id)).state is CaseState.APPROVED:
            raise ReviewError(_next_steps(workspace, waiting, error)) from error
        raise
    _print_case(executed or case, as_json)


def _next_steps(workspace: Workspace, waiting: Case, error: CureLensError) -> str:
    """Say of a failure that the approval is recorded all the same, and how it goes on."""
    place = ("--workspace", str(workspace.root))
    lines = [command_line("review", "settle", *place)]
    lines += [] if waiting.step else [command_line("review", "withdraw", *place, "--request", waiting.request)]
    next_steps = ", or withdraw it with ".join(f"`{line}`" for line in lines)
    return f"The approval of {waiting.request} is recorded and waits. {error} Continue with {next_steps}."


@app.command()
def withdraw(workspace: WorkspacePath, request_id: RequestId, person: Person = "", as_json: Json = False) -> None:
    """Withdraw an approval that is recorded, while no step of its deletion is done."""
    from core.review.withdrawal import withdraw as withdraw_approval  # loads the signing libraries

    _print_case(withdraw_approval(Workspace(workspace), request_id, person), as_json)


@app.command()
def settle(workspace: WorkspacePath, as_json: Json = False) -> None:
    """Finish interrupted work: enter decisions into the ledger and carry out an approved request."""
    from core.review.execution import execute_decisions  # loads the signing libraries

    case = execute_decisions(Workspace(workspace))
    if as_json:
        print(json.dumps(to_json(case)))
        return
    text = f"Request {case.request} is {case.state}." if case else "There is no interrupted work."
    out.print(text, highlight=False)


@app.command()
def show(workspace: WorkspacePath, request_id: RequestId, as_json: Json = False) -> None:
    """Show the state of a request's review, and the digest of its evidence."""
    _print_case(decisions.case_of(Workspace(workspace), request_id), as_json)


def _print_case(case: Case, as_json: bool) -> None:
    if as_json:
        print(json.dumps(to_json(case)))
        return
    out.print(f"Request {case.request}, run {case.run}: {case.state}.", highlight=False)
    for one in case.decisions:
        decision = "approved" if one.approve else "rejected"
        role = one.role.replace("_", " ")
        out.print(f"  {one.person} ({role}) {decision}, {one.time}", highlight=False, markup=False)
    out.print(f"Evidence {case.evidence}", highlight=False, soft_wrap=True)
