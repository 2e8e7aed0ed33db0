"""Ratings in a CSV file with a header line, one rating a row."""

import csv
from pathlib import Path

from core.data.readers.dataset import Columns, Dataset, Rows, dataset_from_rows


def read_csv(path: Path, columns: Columns) -> Dataset:
    """Read a CSV file whose columns are named by `columns`."""
    return dataset_from_rows(csv_rows(path), columns)


def csv_rows(path: Path) -> Rows:
    """Yield the rows of a CSV file; a byte order mark is skipped."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            yield f"{path} line {number}", row
