"""`python -m core bench`: measure every unlearning method on the same scenarios and write the report."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out, progress, step_bars
from core.cli.options import parts_of
from core.utils.assets import asset
from core.workspace import Workspace

QUICK_SETTING = ((5e-3, 0.4),)  # learning rate, weight of the forget gradient
QUICK_METHODS = ("cure", "cure_merge", "graddiff", "merge_random")


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
    quick: Annotated[
        bool, typer.Option("--quick", help="One seed, two references, four methods, no tuning: under 15 minutes.")
    ] = False,
) -> None:
    """Measure every method on the same forget sets, references and questions, and write the report.

    Results that exist are not measured again: an interrupted benchmark continues where it stopped.
    """
    from core.benchmark.report import write_report  # loads torch and pyarrow
    from core.benchmark.scenarios import slug  # loads torch
    from core.benchmark.sweep import ALL, Sweep, run_sweep  # loads torch
    from core.benchmark.tuning import SETTINGS  # loads torch

    chosen = tuple(parts_of(methods)) or (QUICK_METHODS if quick else ALL)
    with progress() as bars:
        for root in workspace:
            source = Workspace(root)
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
            run_sweep(sweep, step_bars(bars), lambda line: bars.console.print(line, highlight=False))
    out.print(f"Report: {write_report(target)}", highlight=False, soft_wrap=True)
