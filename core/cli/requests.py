"""`python -m core request`, `dissolve` and `reference`: deletion requests, batches, and models to compare with."""

import json
import sys
from dataclasses import dataclass
from typing import Annotated

import typer

from core.cli.console import out, progress, step_bars
from core.cli.options import Device, Json, Person, RequestId, WorkspacePath, pairs_of, parts_of, workspace_for_runs
from core.errors import RequestError
from core.review import batches
from core.review.permissions import check_operators, require
from core.runs.requests import open_request
from core.types import Action, Identity, LegalBasis
from core.utils.commands import command_line
from core.utils.serialization import parse_json, to_json
from core.workspace import Workspace


@dataclass(frozen=True)
class _Wanted:
    """What a request asks for, as the standard input holds it."""

    users: tuple[str, ...] = ()
    interactions: tuple[tuple[str, str], ...] = ()
    reason: str = ""


def request(
    root: WorkspacePath,
    users: Annotated[
        str,
        typer.Option(
            help="User ids, separated by commas: all their data is to be deleted. Double quotes protect a comma."
        ),
    ] = "",
    interactions: Annotated[str, typer.Option(help="Single interactions as USER:ITEM, separated by commas.")] = "",
    reason: Annotated[str, typer.Option(help="The reason in a few words; destroyed with the request.")] = "",
    legal_basis: Annotated[
        LegalBasis, typer.Option("--ground", help="The legal basis; stays in the ledger.")
    ] = LegalBasis.NOT_RECORDED,
    identity: Annotated[
        Identity, typer.Option(help="How the requester's identity was verified; stays in the ledger.")
    ] = Identity.NOT_RECORDED,
    stdin: Annotated[
        bool,
        typer.Option(
            "--stdin",
            help='Read {"users": [...], "interactions": [[user, item], ...], "reason": "..."} from the standard input, '
            "because other accounts of the machine can see a command's options.",
        ),
    ] = False,
    batch: Annotated[
        str, typer.Option(help="Ids of open requests, separated by commas, to carry out together: one run for all.")
    ] = "",
    batch_id: Annotated[str, typer.Option("--id", help="The id of the batch; it stays in the ledger.")] = "",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Open a deletion request, or a batch of open requests, and check that it can be served."""
    workspace = Workspace(root)
    require(workspace, person, Action.OPEN)
    recorded = legal_basis is not LegalBasis.NOT_RECORDED or identity is not Identity.NOT_RECORDED
    _check_options(batch, batch_id, stdin, f"{users}{interactions}", reason, recorded)
    if batch:
        opened = batches.open_batch(workspace, parts_of(batch), batch_id, reason, person)
    else:
        rows = pairs_of(interactions, workspace.interactions.holds) if interactions else ()
        wanted = _Wanted(tuple(parts_of(users)), tuple(rows), reason)
        if stdin:
            wanted = parse_json(sys.stdin.buffer.read(), _Wanted, "The standard input")
        opened = open_request(
            workspace, wanted.users, wanted.interactions, wanted.reason, person, legal_basis, identity
        )
    if as_json:
        print(json.dumps(to_json(opened)))
        return
    out.print(f"Request {opened.id} is open for {', '.join(opened.subjects)}.", highlight=False)
    out.print(
        "Next: " + command_line("reference", "--workspace", str(root), "--request", opened.id, "--seeds", "5"),
        highlight=False,
        soft_wrap=True,  # a command is copied as one line
    )


def _check_options(batch: str, batch_id: str, stdin: bool, named: str, reason: str, recorded: bool) -> None:
    """Raise RequestError where options exclude each other."""
    if batch_id and not batch:
        raise RequestError(f"Id {batch_id!r} is for a batch: name its requests with --batch.")
    if stdin and (named or reason or batch):
        raise RequestError("Option --stdin: leave out --users, --interactions, --reason and --batch.")
    if batch and (named or recorded):
        raise RequestError(
            "Batch: its requests say whose data goes and why, so leave out --users, --interactions, --ground and "
            "--identity."
        )


def dissolve(root: WorkspacePath, request_id: RequestId, person: Person = "", as_json: Json = False) -> None:
    """Remove a batch that is not under review, with its references and runs; its requests are on their own again."""
    workspace = Workspace(root)
    require(workspace, person, batches.dissolving_action(workspace, request_id))
    members = batches.dissolve(workspace, request_id)
    if as_json:
        print(json.dumps({"batch": request_id, "open": members}))
        return
    out.print(
        f"Batch {request_id} is dissolved, and its references and runs are removed. Open again: "
        f"{', '.join(members) or 'none'}.",
        highlight=False,
        soft_wrap=True,
    )


def reference(
    root: WorkspacePath,
    request_id: RequestId,
    seeds: Annotated[int, typer.Option(help="Number of references; a PASS needs five.", min=1)] = 5,
    device: Device = "auto",
    person: Person = "",
    as_json: Json = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Tell how long it would take; train nothing.")] = False,
) -> None:
    """Retrain the adapter without the request's data; every run is compared with these references."""
    from core.runs.reference_training import train_missing  # loads torch

    workspace = workspace_for_runs(root, person)
    batches.check_free(workspace, request_id)  # runs of a batch are compared with the batch's own references
    check_operators(workspace, request_id, person)
    if estimate:
        _estimate(workspace, request_id, seeds, device, as_json)
        return
    with progress(quiet=as_json) as bars:
        report = step_bars(bars)
        folders = train_missing(
            workspace,
            request_id,
            seeds,
            device,
            lambda number, step: report(f"reference {number + 1} of {seeds}", step),
            person,
        )
    if as_json:
        print(json.dumps({"request": request_id, "references": [folder.name for folder in folders]}))
        return
    out.print(f"{len(folders)} references are ready.")
    following = command_line("run", "--workspace", str(root), "--request", request_id)
    out.print(f"Next: {following}", highlight=False, soft_wrap=True)


def _estimate(workspace: Workspace, request_id: str, seeds: int, device: str, as_json: bool) -> None:
    """Print how long the missing references would take."""
    from core.runs.estimate.references import estimate_references  # loads torch

    seconds, missing = estimate_references(workspace, request_id, seeds, device)
    if as_json:
        print(json.dumps({"request": request_id, "missing": missing, "seconds": seconds}))
        return
    out.print(f"{missing} references are missing: about {seconds:.0f} seconds, within a factor of two.")
