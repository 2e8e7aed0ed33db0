"""`python -m core answer`: the answer to the person who asked for erasure."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out
from core.cli.options import RequestId, WorkspacePath, output_path
from core.errors import LedgerError
from core.report.answer import make_answer
from core.report.case_record import entries_of_request
from core.utils.atomic_io import write_text
from core.utils.serialization import to_json
from core.workspace import Workspace


def answer(
    root: WorkspacePath,
    request_id: RequestId,
    to: Annotated[
        Path | None,
        typer.Option("--out", help="A file to write: a page to print if it ends in .html, else plain text."),
    ] = None,
) -> None:
    """Write the answer to the person: what was received and done, the verdict, and what is out of reach.

    It is built from the signed ledger and shows nobody's data. Brackets mark what you have to add.
    """
    from core.runs.ledger_entries import Ledger  # loads the signing libraries

    workspace = Workspace(root)
    if not workspace.keeps_ledger:
        raise LedgerError(f"{root} keeps no ledger, from which an answer is made: see `ledger init`.")
    closed = {one.id: one for one in workspace.closed()}
    request = None if request_id in closed else workspace.request(request_id)
    received, due = (request.created, request.due) if request else (closed[request_id].created, "")
    entries = entries_of_request(to_json(Ledger(workspace).statements()), request_id)
    found = make_answer(request_id, received, due, entries)
    if to is None:
        for line in found.text.splitlines():
            out.print(line, highlight=False, markup=False, soft_wrap=True)
        return
    write_text(to := output_path(to, workspace), found.page if to.suffix == ".html" else found.text)
    out.print(f"The answer is {to}. Replace what stands in brackets.", highlight=False, markup=False, soft_wrap=True)
