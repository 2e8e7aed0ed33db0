"""Tables of locality.py: means over scenes, and each choice against random coordinates of the same number."""

import argparse
import platform
from collections.abc import Iterator, Mapping, Sequence
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
NEGATION = "negation"
Place = tuple[str, float]  # a choice, and the share of the coordinates
OURS: tuple[Place, ...] = (
    ("all coordinates", 1.0), ("cure_merge", 1.0), ("Fisher weights", 1.0), ("gradient", 0.1), ("memory contrast", 0.1),
    ("components by gradient", 0.1),
)  # fmt: skip
OTHERS: tuple[Place, ...] = ((NEGATION, 1.0), ("gradient difference", 1.0), ("NPO", 1.0), (RANDOM, 0.1))
GAINS = ("test_auc", "test_loss", "relearned, same people", "relearned, strangers")
HEAD = """# Does it matter which coordinates are moved? {name}

Mean over scenes with the half-width of Student's 95 % interval; draws of one scene count with their mean. Number of scenes: {scenes}.
All choices but the original forget alike (`share forgotten`); one that has not forgotten at 256 times the vector is left out and
counted. Of what comes back, probes aside, 1 is all that the original knew and 0 what retrained models know after the same treatment;
relearning is the mean over 1, 2, 4, 8 and so on, up to {steps} steps, asked on the other forgotten people's rows. The retrained
models' own rows, each against the others, are the noise. `python benchmarks/locality.py FOLDER{place} --scenes {scenes} --shares
{shares} --draws {draws} --steps {steps}{choices}`. torch {torch}, Python {python}.
"""


def write(rows: Sequence[Row], name: str, options: argparse.Namespace, folder: Path) -> None:
    """Write the report of a workspace of this name into a folder."""
    shares = [float(one) for one in options.shares.split(",")]
    head = HEAD.format(
        name=name, scenes=len({row["scene"] for row in rows}), shares=options.shares, draws=options.draws,
        steps=options.steps, choices=f" --choices '{options.choices}'" if options.choices else "",
        place=" --smollm2" if options.smollm2 else "" if options.is_demo else " WORKSPACE",
        torch=torch.__version__, python=platform.python_version(),
    )  # fmt: skip
    lines = [head, "## At equal forgetting", ""]
    lines += table(["original", "reference"], rows)
    lines += ["### All coordinates", ""]
    own = [row for row in rows if row.get("share") == 1]
    lines += table(list(dict.fromkeys(row["choice"] for row in own)), own)
    lines += ["Difference from negation, paired by scene:", "", *differences(own, NEGATION)]
    for share in shares:
        lines += [f"### {share:.0%} of the coordinates", ""]
        own = [row for row in rows if row.get("share") == share]
        lines += table(list(dict.fromkeys(row["choice"] for row in own)), own)
        lines += [f"Difference from random coordinates of the same number, paired by scene, at {share:.0%}:", ""]
        lines += differences(own, RANDOM)
        lines += _at_equal_norm(own)
    lines += ["## Ours against others", "", *against(rows)]
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


def differences(rows: Sequence[Row], base: str) -> list[str]:
    """Each choice less one of them, paired by scene."""
    lines = ["| choice | scenes | " + " | ".join(COLUMNS[name][0] for name in COMPARED) + " |"]
    lines.append("| --- " * (len(COMPARED) + 2) + "|")
    reached = [row for row in rows if "forgotten" in row and is_reached(row)]
    other = [row for row in reached if row["choice"] == base]
    for choice in dict.fromkeys(row["choice"] for row in reached if row["choice"] != base):
        own = [row for row in reached if row["choice"] == choice]
        lines.append(f"| {choice} | {' | '.join(_difference(own, other, COMPARED))} |")
    return [*lines, ""]


def against(rows: Sequence[Row]) -> list[str]:
    """Each of OURS less each of OTHERS, paired by scene. Relearning is better below 0, quality for others above."""
    lines = ["| ours | less | scenes | " + " | ".join(COLUMNS[name][0] for name in GAINS) + " |"]
    lines.append("| --- " * (len(GAINS) + 3) + "|")
    for ours in OURS:
        for other in OTHERS:
            sides = ([row for row in rows if is_at(row, place) and is_reached(row)] for place in (ours, other))
            lines.append(f"| {_named(ours)} | {_named(other)} | {' | '.join(_difference(*sides, GAINS))} |")
    return [*lines, ""]


def is_at(row: Row, place: Place) -> bool:
    """Whether a row is of this choice and share."""
    return (row["choice"], row.get("share")) == place


def _named(place: Place) -> str:
    return place[0] if place[1] == 1 else f"{place[0]}, {place[1]:.0%}"


def _difference(own: Sequence[Row], other: Sequence[Row], names: Sequence[str]) -> Iterator[str]:
    """The number of scenes that both sides have, then the mean difference of each value."""
    pairs = {name: (by_scene(own, name), by_scene(other, name)) for name in names}
    found = {name: [one[scene] - two[scene] for scene in one if scene in two] for name, (one, two) in pairs.items()}
    yield str(len(found[names[0]]))
    for name, values in found.items():
        yield format_interval(mean_interval(values), COLUMNS[name][1] + 1) if values else ""


def _at_equal_norm(rows: Sequence[Row]) -> list[str]:
    known = by_scene(rows, "forgotten_at_norm")
    if not known:
        return []
    found = format_interval(mean_interval(list(known.values())), 2)
    return [
        f"At the norm at which the gradient's choice has forgotten all, random coordinates have forgotten {found}.",
        "",
    ]
