"""Commands for third parties: `bundle` writes what a verdict was computed from, and `recompute` computes it again."""

import json
from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import err, out
from core.cli.options import Json, RunId, WorkspacePath, output_path
from core.report.check_texts import render
from core.runs.bundle import export_bundle, pack, read_bundle
from core.runs.handle import open_run
from core.utils.atomic_io import write_bytes
from core.utils.serialization import read_file, to_json
from core.workspace import Workspace


def bundle(
    root: WorkspacePath,
    run_id: RunId,
    to: Annotated[Path, typer.Option("--out", help="The file to write, such as verdict.json.gz.")],
) -> None:
    """Write one file from which anybody computes a run's verdict again, without a model and without anybody's data.

    It holds the answers of all models on each row, under pseudonyms, and the signed verification.
    """
    workspace = Workspace(root)
    found = export_bundle(open_run(workspace, run_id))
    write_bytes(to := output_path(to, workspace), pack(found))
    out.print(f"The bundle is {to}. Anybody reads it with `recompute {to.name}`.", highlight=False, soft_wrap=True)


def recompute(
    file: Annotated[Path, typer.Argument(help="A bundle, as `bundle` writes it.")],
    key_file: Annotated[
        Path | None,
        typer.Option("--key", help="The public key of the ledger (ledger.pub), from somebody whom you trust."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Check a bundle's signature and compute its verdict again; exit code 1 where anything differs."""
    from core.runs.recompute import recompute as compute  # loads torch and the signing libraries

    found = compute(read_bundle(file), read_file(key_file) if key_file else None)
    if as_json:
        print(json.dumps(to_json(found)))
    else:
        for fault in found.faults:
            err.print(fault, style="red", highlight=False, soft_wrap=True)
        if found.verification and not found.faults:
            shown = render(found.verification)
            out.print(f"{shown.verdict.upper()}. {shown.sentence}", highlight=False, soft_wrap=True)
            out.print(
                f"All {len(shown.checks)} checks were computed again and are, to the last digit, those that were "
                f"signed on {found.signed} with key {found.key}.",
                highlight=False,
                soft_wrap=True,
            )
        if not key_file:
            out.print(
                "The key comes from the bundle itself: compare its id with that of a key that somebody whom you trust "
                "gave you, or name that key's file with --key.",
                highlight=False,
                soft_wrap=True,
            )
    if found.faults:
        raise typer.Exit(1)
