"""`python -m core suppression`: the list of people whose data a serving system must not use meanwhile."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out
from core.cli.options import Json, WorkspacePath, output_path
from core.errors import LedgerError
from core.utils.atomic_io import write_bytes
from core.utils.serialization import to_json, write_json
from core.workspace import Workspace


def suppression(
    root: WorkspacePath,
    to: Annotated[Path, typer.Option("--out", help="The list to write, such as suppression.json.")],
    key_file: Annotated[
        Path | None,
        typer.Option("--key-out", help="Also write the key of its pseudonyms, for the serving system; once is enough."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write whose data a serving system must not use until their requests are carried out, as pseudonyms.

    Run it after each change, for instance every few minutes. It is written only if all open requests are signed as they
    stand; otherwise the earlier list stays. `core.integrations.suppression_client` reads it.
    """
    from core.runs.suppression import suppression_key, suppression_list  # loads the signing libraries

    workspace = Workspace(root)
    if not workspace.keeps_ledger:
        raise LedgerError(f"{root} keeps no ledger, whose secret makes the pseudonyms: see `ledger init`.")
    found = suppression_list(workspace)
    if key_file:
        write_bytes(output_path(key_file, workspace), suppression_key(workspace).hex().encode(), 0o600)
    write_json(to := output_path(to, workspace), found)
    if as_json:
        print(json.dumps(to_json(found)))
        return
    text = f"{to} names {len(found.users)} users and {len(found.interactions)} single interactions, as pseudonyms."
    out.print(text, highlight=False, markup=False, soft_wrap=True)
