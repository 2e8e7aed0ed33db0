"""Tables of planted.py: how well each localiser finds the planted modules, and what unlearning with them brings."""

import argparse
import platform
from collections.abc import Sequence
from pathlib import Path

import torch
from locality_table import RANDOM, Row, by_scene, differences, table

from core.benchmark.report_tables import format_interval
from core.benchmark.scenarios import slug
from core.benchmark.statistics import mean_interval

LOCALISED = {"precision": "precision = recall", "localisation_auc": "AUC", "chance": "by chance"}
HEAD = """# Planted truth: who finds it, and does it help? {name}

The forgotten people's gradients reached {modules:.0%} of the modules only, while the adapter was trained. Mean over scenes
({scenes}) with the half-width of Student's 95 % interval. `python benchmarks/planted.py FOLDER{place} --scenes {scenes} --modules
{modules} --draws {draws}`. torch {torch}, Python {python}.

## Localisers

As many coordinates are chosen as are true, so that precision and recall are equal.
"""


def write(rows: Sequence[Row], name: str, options: argparse.Namespace, folder: Path) -> None:
    """Write the report of a workspace of this name into a folder."""
    head = HEAD.format(
        name=name, scenes=len({row["scene"] for row in rows}), modules=options.modules, draws=options.draws,
        place="" if options.is_demo else " WORKSPACE", torch=torch.__version__, python=platform.python_version(),
    )  # fmt: skip
    choices = list(dict.fromkeys(row["choice"] for row in rows))
    localisers = list(dict.fromkeys(row["choice"] for row in rows if "precision" in row))
    lines = [head, "| localiser | scenes | " + " | ".join(LOCALISED.values()) + " |"]
    lines.append("| --- " * (len(LOCALISED) + 2) + "|")
    for choice in localisers:
        own = [row for row in rows if row["choice"] == choice]
        means = [mean_interval(list(by_scene(own, name).values())) for name in LOCALISED]
        lines.append(f"| {choice} | {len(own)} | {' | '.join(format_interval(one, 2) for one in means)} |")
    lines += ["", "## At equal forgetting", "", "Columns as in locality.md.", "", *table(choices, rows)]
    lines += ["Difference from random coordinates of the same number, paired by scene:", "", *differences(rows, RANDOM)]
    target = folder / f"planted_{slug(name)}.md"
    target.write_text("\n".join(lines), encoding="utf-8")
    print(target, flush=True)
