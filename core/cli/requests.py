"""python -m core request and reference: what is to be erased, and the retrained models to compare with."""

import json
from typing import Annotated

import typer

from core.cli.console import out, progress, stepper
from core.cli.options import Device, Json, Person, RequestId, WorkspacePath, for_runs, pairs_of, parts_of
from core.types import Ground, Identity
from core.utils.serialization import to_json


def request(
    workspace: WorkspacePath,
    users: Annotated[str, typer.Option(help="User ids, parted by commas: all their data is to go.")] = "",
    interactions: Annotated[str, typer.Option(help="Chosen interactions as USER:ITEM, parted by commas.")] = "",
    reason: Annotated[str, typer.Option(help="Why, in a few words; destroyed with the request.")] = "",
    legal_basis: Annotated[
        Ground, typer.Option("--ground", help="Why, as it stays in the record.")
    ] = Ground.NOT_RECORDED,
    identity: Annotated[
        Identity, typer.Option(help="How you made sure who asks; stays in the record.")
    ] = Identity.NOT_RECORDED,
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Open a deletion request and check that it can be served."""
    from core.review.permissions import require
    from core.types import Act
    from core.workspace import Workspace

    place = Workspace(workspace)
    require(place, person, Act.OPEN)
    opened = place.open_request(parts_of(users), pairs_of(interactions), reason, person, legal_basis, identity)
    if as_json:
        print(json.dumps(to_json(opened)))
        return
    out.print(f"Request {opened.id} is open for {', '.join(opened.subjects)}.", highlight=False)
    out.print(
        f"Next: python -m core reference --workspace {workspace} --request {opened.id} --seeds 3",
        highlight=False,
        soft_wrap=True,  # a command is copied as one line
    )


def reference(
    workspace: WorkspacePath,
    request_id: RequestId,
    seeds: Annotated[int, typer.Option(help="How many references; 3 or more show their own spread.", min=1)] = 3,
    device: Device = "auto",
    person: Person = "",
    as_json: Json = False,
) -> None:
    """Retrain the adapter without the request's data: the yardstick of every run."""
    from core.runs.references import train_references

    place = for_runs(workspace, person)
    with progress(quiet=as_json) as bars:
        report = stepper(bars)
        folders = train_references(
            place,
            request_id,
            seeds,
            device,
            lambda n, step: report(f"reference {n + 1} of {seeds}", step),
        )
    if as_json:
        print(json.dumps({"request": request_id, "references": [folder.name for folder in folders]}))
        return
    out.print(f"{len(folders)} references are ready.")
    out.print(
        f"Next: python -m core run --workspace {workspace} --request {request_id} --method cure",
        highlight=False,
        soft_wrap=True,
    )
