"""Benchmark of scale: what reading, a request, a permission check and the first page cost as the data grows.

    python benchmarks/scale.py [--rows 0.3 1 3] [--repeats 3]    writes benchmarks/scale.md; 10 minutes on two cores
    python benchmarks/scale.py --rows 0.3 1 3 30                 a 30-million form too: half an hour more, 4 GB of memory

Rows are in millions. See LEGEND for the data and for what is timed.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv
from scipy.stats import linregress, t

ROOT = Path(__file__).parents[1]

ROWS_PER_PERSON, ROWS_PER_ITEM = 150, 60
LEGEND = (
    "M: million rows. The data are made up (seed 0): 150 rows for each person and 60 for each item, so 3 million rows have "
    "20,000 people and 50,000 items; people's activity is log-normal, items are drawn by Zipf's law. Each measurement is a "
    "process of its own, timed from its start; the CPU seconds of reading and of one person's rows are without the imports. "
    "CPU seconds count, because other processes ran on the same cores."
)
WHAT = {
    "read": "`prepare`: read, check, split and write the data",
    "request": "`request` for one person",
    "permission": "permission check, with the check of a request",
    "page": "first page (Overview)",
    "person": "one person's rows",
}


def write_files(folder: Path, rows: int, seed: int = 0) -> None:
    """Write made-up data in the layout of MovieLens."""
    random, people, items = np.random.default_rng(seed), rows // ROWS_PER_PERSON, rows // ROWS_PER_ITEM
    activity, popularity = random.lognormal(0, 1, people), 1 / (np.arange(items) + 10.0)
    user, item = (
        np.searchsorted(np.cumsum(weights / weights.sum()), random.random(rows)).clip(0, len(weights) - 1)
        for weights in (activity, popularity)
    )
    when = random.integers(1_000_000_000, 1_700_000_000, rows)
    order = np.lexsort((when, user))
    rating = random.integers(1, 11, rows) / 2
    columns = (user[order] + 1, item[order] + 1, rating, when[order])
    folder.mkdir(parents=True)
    csv.write_csv(
        pa.table(dict(zip(("userId", "movieId", "rating", "timestamp"), columns, strict=True))), folder / "ratings.csv"
    )
    titles = [f"Film {number} ({1950 + number % 70})" for number in range(1, items + 1)]
    catalogue = {"movieId": np.arange(1, items + 1), "title": titles, "genres": ["Drama|Crime"] * items}
    csv.write_csv(pa.table(catalogue), folder / "movies.csv")


def measure(what: str, data: Path, workspace: Path) -> tuple[float, float, float]:
    """Seconds of CPU time, seconds on the clock, and peak MiB of a process that does one thing."""
    started = time.perf_counter()
    command = [sys.executable, str(ROOT / "benchmarks/scale_steps.py"), what, str(data), str(workspace)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    wall = time.perf_counter() - started
    cpu, peak = map(float, done.stdout.split()[-2:])
    return cpu, wall, peak


def exponent(rows: list[float], values: list[float]) -> str:
    """Slope of log value on log rows with its 95 % interval."""
    fit = linregress(np.log(rows), np.log(values))
    half = float(t.ppf(0.975, len(rows) - 2)) * fit.stderr
    return f"{fit.slope:.2f} ± {half:.2f}"


def report(found: dict[str, list[tuple[float, float, float, float]]], repeats: int) -> str:
    """The page of results; each entry is rows, CPU seconds, seconds on the clock, MiB."""
    sizes = sorted({row[0] for rows in found.values() for row in rows})
    head = " | ".join(f"{size / 1e6:g} M: CPU s | clock s | MiB" for size in sizes)
    lines = [
        "# Scale", "",
        f"Written by `{' '.join(['python', 'benchmarks/scale.py', *sys.argv[1:]])}`. {LEGEND}",
        "",
        f"Medians of {repeats} measurements. Exponents: least squares on the logarithms of rows and of CPU seconds or peak "
        f"memory, with the 95 % interval ({repeats} points at each of {len(sizes)} sizes). Targets at 3 million rows on two "
        "cores: reading in 30 s and 1 GB, a request and the first page in 3 s; exponent 1 for reading, 0 for one person.",
        "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, duckdb {duckdb.__version__}, "
        f"pyarrow {pa.__version__}.",
        "",
        f"| what | {head} | exponent of time | of memory |", "| --- |" + " --- |" * (3 * len(sizes) + 2),
    ]  # fmt: skip
    for what, rows in found.items():
        cells = [
            f"{value:.{0 if place == 3 else 4 if value < 0.1 else 2}f}"
            for size in sizes
            for place in (1, 2, 3)
            for value in [statistics.median(row[place] for row in rows if row[0] == size)]
        ]
        growth = [exponent([row[0] for row in rows], [row[place] for row in rows]) for place in (1, 3)]
        lines.append(f"| {' | '.join((WHAT[what], *cells, *growth))} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=float, nargs="+", default=[0.3, 1, 3])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    found: dict[str, list[tuple[float, float, float, float]]] = {what: [] for what in WHAT}
    for size in options.rows:
        rows = round(size * 1e6)
        with tempfile.TemporaryDirectory() as folder:
            write_files(Path(folder) / "data", rows)
            for _ in range(options.repeats):
                for what in WHAT:
                    found[what].append((rows, *measure(what, Path(folder) / "data", Path(folder) / "workspace")))
                    print(rows, what, *found[what][-1][1:], file=sys.stderr)
    (ROOT / "benchmarks/scale.md").write_text(report(found, options.repeats), encoding="utf-8")


if __name__ == "__main__":
    main()
