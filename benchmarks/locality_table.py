"""Tables of locality.py: means over scenes, and each choice against random coordinates of the same number."""

import argparse
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from core.benchmark.report_tables import format_interval
from core.benchmark.scenarios import slug
from core.benchmark.statistics import mean_interval

Row = Mapping[str, Any]
COLUMNS = {  # key of the row -> heading, decimals
    "forgotten": ("share forgotten", 2),
    "norm": ("norm of the change", 2),
    "auc_gap": ("AUC minus the retrained models'", 3),
    "test_auc": ("change of others' test AUC", 4),
    "test_loss": ("change of others' log loss", 4),
    "drift": ("drift for others", 2),
    "relearned, same people": ("relearned from two forgotten people", 2),
    "relearned, strangers": ("relearned from two strangers", 2),
    "rounded to 8 bits": ("at 8 bits", 2),
    "rounded to 4 bits": ("at 4 bits", 2),
    "wordings": ("in other words", 2),
    "probes": ("probes: AUC minus the retrained models'", 3),
}
COMPARED = ("norm", "auc_gap", "test_auc", "test_loss", "drift", "relearned, same people", "relearned, strangers", "rounded to 4 bits", "wordings", "probes")  # fmt: skip
RANDOM = "random coordinates"
HEAD = """# Does it matter which coordinates are moved? {name}

Mean over scenes with the half-width of Student's 95 % interval; draws of one scene count with their mean. Number of scenes: {scenes}.
All choices but the original forget alike (`share forgotten`); one that has not forgotten at 256 times the vector is left out and
counted. Of what comes back, probes aside, 1 is all that the original knew and 0 what retrained models know after the same treatment;
relearning is the mean over 1, 2, 4, 8, 16 and 32 steps, asked on the other forgotten people's rows. The retrained models' own
rows, each against the others, are the noise. `python benchmarks/locality.py FOLDER{place} --scenes {scenes} --shares {shares}
--draws {draws}`. torch {torch}, Python {python}.
"""


def write(rows: Sequence[Row], name: str, options: argparse.Namespace, folder: Path) -> None:
    """Write the report of a workspace of this name into a folder."""
    shares = [float(one) for one in options.shares.split(",")]
    head = HEAD.format(
        name=name, scenes=len({row["scene"] for row in rows}), shares=options.shares, draws=options.draws,
        place="" if options.is_demo else " WORKSPACE", torch=torch.__version__, python=platform.python_version(),
    )  # fmt: skip
    lines = [head, "## At equal forgetting", ""]
    lines += table(["original", "reference"], rows)
    lines += ["### All coordinates", ""]
    own = [row for row in rows if row.get("share") == 1]
    lines += table(list(dict.fromkeys(row["choice"] for row in own)), own)
    for share in shares:
        lines += [f"### {share:.0%} of the coordinates", ""]
        own = [row for row in rows if row.get("share") == share]
        lines += table(list(dict.fromkeys(row["choice"] for row in own)), own)
        lines += [f"Difference from random coordinates of the same number, paired by scene, at {share:.0%}:", ""]
        lines += differences(own)
        lines += _at_equal_norm(own)
    target = folder / f"locality_{slug(name)}.md"
    target.write_text("\n".join(lines), encoding="utf-8")
    print(target, flush=True)


def table(choices: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """One row for each choice: means over scenes, and how many models have not forgotten."""
    lines = ["| choice | scenes | " + " | ".join(title for title, _ in COLUMNS.values()) + " | not reached |"]
    lines.append("| --- " * (len(COLUMNS) + 3) + "|")
    for choice in choices:
        own = [row for row in rows if row["choice"] == choice]
        reached = [row for row in own if is_reached(row)]
        cells = [_cell(reached, name, digits) for name, (_, digits) in COLUMNS.items()]
        scenes = len({row["scene"] for row in reached})
        lines.append(f"| {choice} | {scenes} | {' | '.join(cells)} | {len(own) - len(reached)} of {len(own)} |")
    return [*lines, ""]


def is_reached(row: Row) -> bool:
    """Whether a model has forgotten as much as the others; the original and the references are as they are."""
    return "forgotten" not in row or abs(row["forgotten"] - 1) <= 0.05


def _cell(rows: Sequence[Row], name: str, digits: int) -> str:
    known = by_scene(rows, name)
    return format_interval(mean_interval(list(known.values())), digits) if known else ""


def by_scene(rows: Sequence[Row], name: str) -> dict[int, float]:
    """Mean of a value over each scene's rows; rows without it are left out."""
    scenes: dict[int, list[float]] = {}
    for row in rows:
        if name in row:
            scenes.setdefault(row["scene"], []).append(row[name])
    return {scene: fmean(found) for scene, found in scenes.items()}


def differences(rows: Sequence[Row]) -> list[str]:
    """Each choice less random coordinates, paired by scene."""
    lines = ["| choice | scenes | " + " | ".join(COLUMNS[name][0] for name in COMPARED) + " |"]
    lines.append("| --- " * (len(COMPARED) + 2) + "|")
    reached = [row for row in rows if "forgotten" in row and is_reached(row)]
    for choice in dict.fromkeys(row["choice"] for row in reached if row["choice"] != RANDOM):
        cells, scenes = [], 0
        for name in COMPARED:
            differences = _paired(reached, choice, name)
            scenes = len(differences)
            cells.append(format_interval(mean_interval(differences), COLUMNS[name][1] + 1) if differences else "")
        lines.append(f"| {choice} | {scenes} | {' | '.join(cells)} |")
    return [*lines, ""]


def _paired(rows: Sequence[Row], choice: str, name: str) -> list[float]:
    own, chance = (by_scene([row for row in rows if row["choice"] == one], name) for one in (choice, RANDOM))
    return [own[scene] - chance[scene] for scene in own if scene in chance]


def _at_equal_norm(rows: Sequence[Row]) -> list[str]:
    known = by_scene(rows, "forgotten_at_norm")
    if not known:
        return []
    found = format_interval(mean_interval(list(known.values())), 2)
    return [
        f"At the norm at which the gradient's choice has forgotten all, random coordinates have forgotten {found}.",
        "",
    ]
