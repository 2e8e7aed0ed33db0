"""The command line: `cure-lens`, or `python -m core`."""

import sys

import typer

from core.cli import (
    answer,
    base,
    benchmark,
    bundle,
    demo,
    doctor,
    graph,
    ledger,
    prepare,
    requests,
    review,
    runs,
    suppression,
    verify,
)
from core.cli.console import err
from core.errors import CureLensError
from core.utils.commands import lead_processes_to_this_code
from core.utils.torch_threads import reserve_one_core

app = typer.Typer(
    name="cure-lens",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Take one person's data out of an LLM recommender, and test whether it is gone. "
    "Start with `prepare`, or `demo`.",
)
app.add_typer(base.app, name="base")
app.add_typer(ledger.app, name="ledger")
app.add_typer(review.app, name="review")
for command in (
    prepare.prepare,
    requests.request,
    requests.dissolve,
    requests.reference,
    runs.estimate,
    runs.run,
    runs.resume,
    runs.cancel,
    runs.worker,
    graph.graph,
    verify.report,
    verify.overlap,
    verify.verify,
    verify.verify_destruction,
    answer.answer,
    bundle.bundle,
    bundle.recompute,
    suppression.suppression,
    runs.export,
    doctor.doctor,
    benchmark.bench,
    demo.demo,
    demo.dashboard,
    demo.build_demo,
):
    app.command()(command)


def main() -> None:
    """Run one command. A `CureLensError` becomes one sentence on stderr and exit code 2."""
    reserve_one_core()
    lead_processes_to_this_code()
    try:
        app()
    except CureLensError as error:
        err.print(str(error), style="red", highlight=False, soft_wrap=True)
        sys.exit(2)
