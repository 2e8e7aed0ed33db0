"""`python -m core bench`: measure every unlearning method on the same scenarios and write the report."""

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from core.cli.console import out, progress, step_bars
from core.cli.options import output_path, parts_of
from core.utils.assets import asset
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.unlearning.training_types import Step  # loads torch

LATER = 75  # exit code: the same command has to be run again (EX_TEMPFAIL of sysexits.h)
QUICK_SETTING = ((5e-3, 0.4),)  # learning rate, weight of the forget gradient
QUICK_METHODS = ("cure", "cure_merge", "graddiff", "merge_random")


class _Part:
    """One call's part of a benchmark: shows its progress, and ends the command when its time is up.

    Args:
        bars: Progress bars.
        minutes: Time of this part; 0 for no limit. The first piece of work is always done, so that each call gets on.
    """

    def __init__(self, bars: Progress, minutes: float) -> None:
        self.bars, self.show = bars, step_bars(bars)
        self.end, self.pieces = time.monotonic() + 60 * minutes if minutes else math.inf, 0

    def report(self, name: str, step: "Step") -> bool:
        """Show a step of a training; the first one begins a piece of work."""
        if step.number == 1:
            self._begin()
        return self.show(name, step)

    def announce(self, line: str) -> None:
        """Show that an entrant was measured; the next one begins."""
        self.bars.console.print(line, highlight=False)
        self._begin()

    def _begin(self) -> None:
        self.pieces += 1
        if self.pieces > 1 and time.monotonic() > self.end:
            out.print("The time is up, and work may be left: run the same command again.")
            raise typer.Exit(LATER)


def bench(
    workspace: Annotated[
        list[Path],
        typer.Option(
            "--workspace",
            "-w",
            help="A prepared workspace; repeat it for several data sets.",
            show_default="the demo world",
        ),
    ] = [asset("demo")],  # noqa: B006 - typer copies it
    target: Annotated[Path, typer.Option("--out", help="Folder of unlearning.md and of its results.")] = Path(
        "benchmarks"
    ),
    folder: Annotated[
        Path, typer.Option("--scenarios", "--scenes", help="Folder of the scenarios: their adapters and references.")
    ] = Path(".bench"),
    kinds: Annotated[str, typer.Option(help="Kinds of request: random, heavy, single, genre, row.")] = "random",
    seeds: Annotated[
        int, typer.Option(help="Number of seeds; each has its own adapter, request and references.", min=1)
    ] = 5,
    references: Annotated[int, typer.Option(help="References for each scenario.", min=2)] = 3,
    methods: Annotated[str, typer.Option(help="Methods and controls, separated by commas. Default: all.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    minutes: Annotated[
        float, typer.Option(help="End after about this time, with exit code 75 if work is left; 0 for no limit.", min=0)
    ] = 0,
    quick: Annotated[
        bool, typer.Option("--quick", help="One seed, two references, four methods, no tuning: under 15 minutes.")
    ] = False,
) -> None:
    """Measure every method on the same forget sets, references and questions, and write the report.

    Results that exist are not measured again: the same command goes on where it stopped, also after --minutes.
    """
    from core.benchmark.report import write_report  # loads torch and pyarrow
    from core.benchmark.scenarios import slug  # loads torch
    from core.benchmark.sweep import ALL, Sweep, run_sweep  # loads torch
    from core.benchmark.tuning import SETTINGS  # loads torch

    chosen = tuple(parts_of(methods)) or (QUICK_METHODS if quick else ALL)
    sources = [Workspace(root) for root in workspace]
    target = output_path(target, *sources)
    with progress() as bars:
        part = _Part(bars, minutes)
        for source in sources:
            sweep = Sweep(
                source=source,
                folder=folder,
                rows=target / "unlearning" / f"{slug(source.settings.name)}.parquet",
                kinds=tuple(parts_of(kinds)),
                seeds=tuple(range(1 if quick else seeds)),
                methods=chosen,
                references=2 if quick else references,
                device=device,
                settings=QUICK_SETTING if quick else SETTINGS,
            )
            run_sweep(sweep, part.report, part.announce)
    out.print(f"Report: {write_report(target)}", highlight=False, soft_wrap=True)
