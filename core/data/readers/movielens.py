"""MovieLens folders: ml-latest (movies.csv, ratings.csv) and ml-1m (movies.dat, ratings.dat).

Source: Harper and Konstan, "The MovieLens Datasets: History and Context", ACM TiiS 5(4), 2015.
"""

from pathlib import Path
from typing import Any

from core.data.readers.csv_table import csv_rows
from core.data.readers.dataset import Columns, Dataset, Rows, cell, interaction_from_row, make_dataset
from core.errors import DataError
from core.types import Item

COLUMNS = Columns(user="userId", item="movieId", time="timestamp")
DAT_FIELDS = {"movies.dat": ("movieId", "title", "genres"), "ratings.dat": ("userId", "movieId", "rating", "timestamp")}
NO_GENRES = "(no genres listed)"


def read_movielens(folder: Path, _columns: Columns) -> Dataset:
    """Read an unpacked MovieLens folder; its column names are fixed, so the mapping is not used."""
    edition = next((suffix for suffix in (".csv", ".dat") if (folder / f"ratings{suffix}").is_file()), None)
    if edition is None:
        raise DataError(f"{folder} holds neither ratings.csv nor ratings.dat: name an unpacked MovieLens folder.")
    rows = csv_rows if edition == ".csv" else _dat_rows
    items = (_item(where, row) for where, row in rows(folder / f"movies{edition}"))
    catalogue = {item.id: item for item in items}
    ratings = rows(folder / f"ratings{edition}")
    return make_dataset(catalogue, [interaction_from_row(where, row, COLUMNS) for where, row in ratings])


def _item(where: str, row: dict[str, Any]) -> Item:
    item, title = (cell(where, row, key, "restore the file") for key in ("movieId", "title"))
    genres = str(row.get("genres") or "").split("|")
    return Item(item, title, tuple(genre for genre in genres if genre and genre != NO_GENRES))


def _dat_rows(path: Path) -> Rows:
    """Yield the rows of a `.dat` file: Latin-1, `::` between fields, no header."""
    names = DAT_FIELDS[path.name]
    with path.open(encoding="latin-1") as file:
        for number, line in enumerate(file, 1):
            row = line.rstrip("\n").split("::")
            if len(row) != len(names):
                raise DataError(
                    f"{path} line {number} does not have {len(names)} fields parted by '::': restore the file."
                )
            yield f"{path} line {number}", dict(zip(names, row, strict=True))
