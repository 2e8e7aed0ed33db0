"""python -m core ledger: make a workspace's ledger, look at it, prove it, and take a head of it elsewhere."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import err, out
from core.cli.options import Json, RequestId, WorkspacePath
from core.errors import RecordError
from core.utils.atomic_io import write_bytes, write_text
from core.utils.serialization import to_json
from core.workspace import Workspace

app = typer.Typer(no_args_is_help=True, help="The signed account of what was done in a workspace.")
Key = Annotated[Path, typer.Option(help="The public key: ledger.pub, as you got it from whoever signs.")]


@app.command()
def init(workspace: WorkspacePath, as_json: Json = False) -> None:
    """Make the keys and the first entry; from then on every finished run is entered. The keys stay with this user."""
    from core.ledger.chain import begin
    from core.ledger.keys import make_keys

    place = Workspace(workspace)
    begin(place.ledger, place.settings.name, make_keys(place.ledger_key))
    if as_json:
        print(json.dumps({"ledger": str(place.ledger), "key": str(place.ledger_key)}))
        return
    out.print(
        f"The ledger is {place.ledger}. Hand {place.ledger_key} to whoever is to check it, and keep heads of it elsewhere: "
        f"python -m core ledger head --workspace {workspace} --out FILE",
        highlight=False,
        soft_wrap=True,
    )


@app.command()
def head(
    workspace: WorkspacePath,
    to: Annotated[Path, typer.Option("--out", help="Where it goes: best where nobody here can change it.")],
) -> None:
    """Sign how long the ledger is and how it ends, so that nobody can cut it off or write it anew unseen."""
    from core.ledger.chain import head_of
    from core.ledger.keys import keys_of

    place = Workspace(workspace)
    write_bytes(to, head_of(place.ledger, keys_of(place.ledger_key)))
    out.print(f"The head is {to}.", highlight=False, soft_wrap=True)


@app.command()
def show(workspace: WorkspacePath, as_json: Json = False) -> None:
    """Everything that the ledger states, in order."""
    from core.ledger.chain import entries
    from core.ledger.keys import read_public

    place = Workspace(workspace)
    found = entries(place.ledger, read_public(place.ledger_key))
    if as_json:
        print(json.dumps(to_json(found)))
        return
    for one in found:
        named = f" {one.content['run']}" if "run" in one.content else ""
        out.print(f"{one.content['number']:>4}  {one.content['time']}  {one.kind}{named}", highlight=False)


@app.command()
def record(
    workspace: WorkspacePath,
    request_id: RequestId,
    to: Annotated[Path, typer.Option("--out", help="The HTML file, to be filed or printed.")],
) -> None:
    """Write what the ledger says of one request as a page that needs nothing else; it names nobody of the request."""
    from core.ledger.chain import entries
    from core.ledger.keys import read_public
    from core.report.case_record import about
    from core.report.case_record import record as page

    place = Workspace(workspace)
    found = about(to_json(entries(place.ledger, read_public(place.ledger_key))), request_id)
    if not found:
        raise RecordError(f"The ledger says nothing of request {request_id!r}: check the id.")
    write_text(to, page(request_id, found))
    out.print(f"The record is {to}.", highlight=False, soft_wrap=True)


@app.command()
def verify(
    ledger: Annotated[Path, typer.Argument(help="The file: nothing else of the workspace is looked at.")],
    key: Key,
    head_file: Annotated[Path | None, typer.Option("--head", help="A head that was taken of it before.")] = None,
    as_json: Json = False,
) -> None:
    """Check every signature and the chain, and beside a head also that nothing is missing at the end."""
    from core.ledger.chain import verify as examine
    from core.ledger.keys import read_public

    verdict = examine(ledger, read_public(key), head_file)
    if as_json:
        print(json.dumps(to_json(verdict)))
    else:
        for flaw in verdict.flaws:
            err.print(flaw, style="red", highlight=False, soft_wrap=True)
        if not verdict.flaws:
            out.print(f"The ledger is whole: {verdict.entries} entries, each signed and in its place.", highlight=False)
        if not verdict.head:
            out.print("Without a head nobody can tell whether entries are missing at its end.", highlight=False)
    if verdict.flaws:
        raise typer.Exit(1)
