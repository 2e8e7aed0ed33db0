"""python -m core bench: every method in one harness, and the report."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import out, progress, stepper
from core.cli.options import parts_of

QUICK_SETTING = ((5e-3, 0.4),)
QUICK = ("cure", "cure_merge", "graddiff", "merge_random")


def bench(
    workspace: Annotated[
        list[Path], typer.Option("--workspace", "-w", help="A prepared workspace; give several for several data sets.")
    ] = [Path("assets/demo")],  # noqa: B006
    target: Annotated[Path, typer.Option("--out", help="Where unlearning.md and its rows go.")] = Path("benchmarks"),
    scenes: Annotated[Path, typer.Option(help="Where adapters and references of the scenes are kept.")] = Path(
        ".bench"
    ),
    kinds: Annotated[str, typer.Option(help="Who is forgotten: random, heavy, single, genre, row.")] = "random",
    seeds: Annotated[int, typer.Option(help="How many seeds, each with an adapter and references.", min=1)] = 5,
    references: Annotated[int, typer.Option(help="References a scene.", min=2)] = 3,
    methods: Annotated[str, typer.Option(help="Methods and controls; left out, all.")] = "",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    quick: Annotated[
        bool, typer.Option("--quick", help="One seed, two references, four methods, no tuning: under 15 minutes.")
    ] = False,
) -> None:
    """Measure every method on the same people, references and questions, and write the report.

    What is measured already is not measured again: stop it when you like, and start it again.
    """
    from core.benchmark.report import write_report
    from core.benchmark.scenarios import slug
    from core.benchmark.sweep import ALL, SETTINGS, Grid, run_grid
    from core.workspace import Workspace

    chosen = tuple(parts_of(methods)) or (QUICK if quick else ALL)
    with progress() as bars:
        for place in workspace:
            source = Workspace(place)
            rows = target / "unlearning" / f"{slug(source.settings.name)}.parquet"
            grid = Grid(
                source, scenes, rows, tuple(parts_of(kinds)), tuple(range(1 if quick else seeds)),
                chosen, 2 if quick else references, device, QUICK_SETTING if quick else SETTINGS,
            )  # fmt: skip
            run_grid(grid, stepper(bars), lambda line: bars.console.print(line, highlight=False))
    out.print(f"Report: {write_report(target)}", highlight=False, soft_wrap=True)
