"""Ratings in a JSON-lines file, one JSON object a line."""

import json
from pathlib import Path

from core.data.readers.dataset import Columns, Dataset, Rows, dataset_from_rows
from core.errors import DataError


def read_jsonl(path: Path, columns: Columns) -> Dataset:
    """Read a JSON-lines file whose keys are named by `columns`."""
    return dataset_from_rows(_jsonl_rows(path), columns)


def _jsonl_rows(path: Path) -> Rows:
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise DataError(f"{path} line {number} is not a JSON object: write one object a line.")
            yield f"{path} line {number}", row
