"""`python -m core doctor`: problems of this machine and of a workspace, and how to fix them."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out
from core.cli.options import Json
from core.utils.serialization import to_json


def doctor(
    workspace: Annotated[Path | None, typer.Option("--workspace", "-w", help="A workspace to check as well.")] = None,
    as_json: Json = False,
) -> None:
    """Check this machine, and a workspace: each problem with its fix. Exit code 1 if there is a problem."""
    from core.cli.diagnostics import examine  # loads torch

    findings = examine(workspace)
    if as_json:
        print(json.dumps(to_json(findings)))
    for one in () if as_json else findings:
        sign, style = ("ok", "green") if one.ok else ("!!", "red")
        out.print(f"{sign} {one.name}: {one.detail}", style=style, highlight=False, soft_wrap=True)
        if one.fix:
            out.print(f"   {one.fix}", highlight=False, soft_wrap=True)
    if not all(one.ok for one in findings):
        raise typer.Exit(1)
