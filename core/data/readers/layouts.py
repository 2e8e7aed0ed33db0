"""Public data sets by name: which file holds the ratings, which the titles, and how both are written.

Sources: the README of each data set (MovieLens by GroupLens, MovieTweetings by Dooms et al., Amazon Reviews 2018 and
2023 by McAuley's group, GoodReads by Wan and McAuley, BookCrossing by Ziegler et al., Last.fm of HetRec 2011, RecBole).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from core.data.readers.dataset import Dataset, Wanted, genres_of, make_dataset
from core.data.readers.delimited import delimited_table
from core.data.readers.json_lines import read_json_lines
from core.data.readers.table import Columns, Row, Table, cell
from core.errors import DataError
from core.types import Item

ML_100K_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
ML_100K_ITEM = ("item", "title", "date", "video", "url", *ML_100K_GENRES)


def _json(path: Path) -> Table:
    return read_json_lines(path)


def _headed(delimiter: str, escape: str | None = None) -> Callable[[Path], Table]:
    return lambda path: delimited_table(path, delimiter=delimiter, escape=escape)


def _unheaded(delimiter: str, *names: str) -> Callable[[Path], Table]:
    return lambda path: delimited_table(path, header=False, names=names, delimiter=delimiter)


def _atomic(path: Path) -> Table:
    """RecBole's atomic file: tabs, and the type of each column behind a colon in the header."""
    table = delimited_table(path, delimiter="\t")
    rows = ((where, {name.partition(":")[0]: value for name, value in row.items()}) for where, row in table.rows)
    return Table(rows, tuple(name.partition(":")[0] for name in table.columns))


def _artists(path: Path) -> Table:
    """Last.fm's artists, whose id has another name than in the file of plays."""
    return delimited_table(path, names=("artistID", "name", "url", "pictureURL"), delimiter="\t")


def _flagged_genres(row: Row) -> tuple[str, ...]:
    return tuple(genre for genre in ML_100K_GENRES if row.get(genre) == "1")


@dataclass(frozen=True)
class Layout:
    """How a data set is laid out in a folder.

    Attributes:
        ratings: Pattern of the name of the file of ratings.
        items: Pattern of the name of the catalogue file.
        read_ratings: Opens the file of ratings.
        read_items: Opens the catalogue.
        columns: Names of the columns of both files.
        titles: Further names that the column of titles can have.
        genres: Genres of a row of the catalogue; None for those in the column of genres.
        unrated: A rating that stands for "not rated".
    """

    ratings: str
    items: str
    read_ratings: Callable[[Path], Table]
    read_items: Callable[[Path], Table]
    columns: Columns
    titles: tuple[str, ...] = ()
    genres: Callable[[Row], tuple[str, ...]] | None = None
    unrated: float | None = None


ML_COLUMNS = Columns("userId", "movieId", "title", "rating", "timestamp")
COLONS = Layout(
    r"ratings\.dat", r"movies\.dat",
    _unheaded("::", "userId", "movieId", "rating", "timestamp"), _unheaded("::", "movieId", "title", "genres"),
    ML_COLUMNS,
)  # fmt: skip
JSON_NAME = r"\.jsonl?(\.gz)?"
LAYOUTS: Mapping[str, tuple[Layout, ...]] = {
    "movielens": (
        Layout(r"ratings\.csv", r"movies\.csv", _headed(","), _headed(","), ML_COLUMNS),
        COLONS,
        Layout(
            r"u\.data", r"u\.item", _unheaded("\t", "user", "item", "rating", "time"), _unheaded("|", *ML_100K_ITEM),
            Columns(), genres=_flagged_genres,
        ),
    ),
    "movietweetings": (COLONS,),
    "amazon2018": (
        Layout(
            rf"(?!meta).*{JSON_NAME}", rf"meta.*{JSON_NAME}", _json, _json,
            Columns("reviewerID", "asin", "title", "overall", "unixReviewTime", "category"),
        ),
    ),
    "amazon2023": (
        Layout(
            rf"(?!meta).*{JSON_NAME}", rf"meta.*{JSON_NAME}", _json, _json,
            Columns("user_id", "parent_asin", "title", "rating", "timestamp", "categories"),
        ),
    ),
    "goodreads": (
        Layout(
            rf"goodreads_(interactions|reviews).*{JSON_NAME}", rf"goodreads_books.*{JSON_NAME}", _json, _json,
            Columns("user_id", "book_id", "title", "rating", "date_updated"), unrated=0.0,
        ),
    ),
    "bookcrossing": (
        Layout(
            r"(BX-Book-)?Ratings\.csv", r"(BX[-_])?Books\.csv", _headed(";", "\\"), _headed(";", "\\"),
            Columns("User-ID", "ISBN", "Book-Title", "Book-Rating", ""), titles=("Title",), unrated=0.0,
        ),
    ),
    "lastfm": (
        Layout(
            r"user_artists\.dat", r"artists\.dat", _headed("\t"), _artists,
            Columns("userID", "artistID", "name", "weight", ""),
        ),
    ),
    "recbole": (
        Layout(
            r".*\.inter", r".*\.item", _atomic, _atomic,
            Columns("user_id", "item_id", "title", "rating", "timestamp", "class"),
            titles=("movie_title", "name", "item_name", "artist_name"),
        ),
    ),
}  # fmt: skip


def read_layout(name: str, path: Path, wanted: Wanted, catalogue: Mapping[str, Item] | None) -> Dataset:
    """Read a data set that lies in a folder, or beside the file of ratings that is named.

    Raises:
        DataError: The folder holds no such file of ratings or no catalogue, or a file cannot be used.
    """
    folder, file = (path.parent, path) if path.is_file() else (path, None)
    found = ((one, file or _file(folder, one.ratings)) for one in LAYOUTS[name])
    layout, ratings = next(
        ((one, at) for one, at in found if at and re.fullmatch(one.ratings, at.name)), (LAYOUTS[name][0], None)
    )
    if ratings is None:
        names = " nor ".join(_plain(one.ratings) for one in LAYOUTS[name])
        raise DataError(f"{path} holds neither {names}: name an unpacked {name} folder.")
    if catalogue is None:
        catalogue = _catalogue(layout, folder, name)
    own = wanted.columns if wanted.columns != Columns() else layout.columns
    return make_dataset(layout.read_ratings(ratings), replace(wanted, columns=own, unrated=layout.unrated), catalogue)


def _plain(pattern: str) -> str:
    """A pattern as people write it: `*.inter`, `ratings.csv`."""
    return re.sub(r"\(\?!.*?\)|\(\\\.gz\)\?", "", pattern).replace(".*", "*").replace("\\", "").replace("l?", "l")


def _file(folder: Path, pattern: str) -> Path | None:
    return next((one for one in sorted(folder.iterdir()) if re.fullmatch(pattern, one.name)), None)


def _catalogue(layout: Layout, folder: Path, name: str) -> dict[str, Item]:
    if (path := _file(folder, layout.items)) is None:
        raise DataError(
            f"{folder} holds no {_plain(layout.items)}: add the file of titles of {name}, or name it with --items."
        )
    return read_items(layout.read_items(path), layout.columns, layout.titles, layout.genres)


def read_items(
    table: Table,
    columns: Columns,
    titles: tuple[str, ...] = (),
    genres: Callable[[Row], tuple[str, ...]] | None = None,
) -> dict[str, Item]:
    """Read a catalogue.

    Args:
        table: Its rows, one for each item.
        columns: Names of the columns of the id, the title and the genres.
        titles: Further names that the column of titles can have.
        genres: Genres of a row; None for those in the column of genres.

    Returns:
        The items by id. An item without a title is left out, and refused where somebody rated it.
    """
    items: dict[str, Item] = {}
    for where, row in table.rows:
        item = cell(where, row, columns.item, "name the column of the item's id with --columns item=NAME")
        column = next((one for one in (columns.title, *titles) if one in row), columns.title)
        if table.columns and column not in row:
            cell(where, row, column, "name the column of the title with --columns title=NAME")
        if row.get(column):
            title = cell(where, row, column, "restore the file")
            items.setdefault(item, Item(item, title, genres(row) if genres else genres_of(row, columns.genres)))
    return items
