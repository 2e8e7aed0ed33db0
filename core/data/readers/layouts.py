"""Public data sets by name: which file holds the ratings, which the titles, and how both are written.

Sources: the README of each data set (MovieLens by GroupLens, MovieTweetings by Dooms et al., Amazon Reviews 2018 and
2023 by McAuley's group, GoodReads by Wan and McAuley, BookCrossing by Ziegler et al., Last.fm of HetRec 2011, RecBole).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from core.data.readers.catalogue import genres_in, read_items
from core.data.readers.dataset import Dataset, make_dataset
from core.data.readers.delimited import delimited_table
from core.data.readers.json_lines import read_json_lines
from core.data.readers.table import Columns, ReadOptions, Row, Table, check_columns
from core.errors import DataError

ML_100K_GENRES = (
    "unknown", "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
ML_100K_ITEM = ("item", "title", "date", "video", "url", *ML_100K_GENRES)


def _headed(delimiter: str, escape: str | None = None) -> Callable[[Path], Table]:
    return lambda path: delimited_table(path, delimiter=delimiter, escape=escape)


def _unheaded(delimiter: str, *names: str) -> Callable[[Path], Table]:
    return lambda path: delimited_table(path, header=False, names=names, delimiter=delimiter)


def _atomic(path: Path) -> Table:
    """RecBole's atomic file: tabs, and the type of each column behind a colon in the header."""
    table = delimited_table(path, delimiter="\t")
    names = {name: name.partition(":")[0] for name in table.columns}
    check_columns(path, tuple(names.values()))
    rows = ((where, {names[name]: value for name, value in row.items()}) for where, row in table.rows)
    return Table(rows, tuple(names.values()), table.notes)


def _artists(path: Path) -> Table:
    """Last.fm's artists, whose id has another name than in the file of plays."""
    return delimited_table(path, names=("artistID", "name", "url", "pictureURL"), delimiter="\t")


def _flagged_genres(row: Row) -> tuple[str, ...]:
    return tuple(genre for genre in ML_100K_GENRES if row.get(genre) == "1")


@dataclass(frozen=True)
class Layout:
    """How a data set is laid out in a folder; each file may be compressed with gzip.

    Attributes:
        ratings: Pattern of the names of the files of ratings.
        items: Pattern of the names of the catalogue files.
        files: Both as people write them.
        read_ratings: Opens a file of ratings.
        read_items: Opens a catalogue.
        columns: Names of the columns of both files.
        titles: Further names that the column of titles can have.
        genres: Genres of a row of the catalogue; None for those in the column of genres.
        unrated: A rating that stands for "not rated".
    """

    ratings: str
    items: str
    files: tuple[str, str]
    read_ratings: Callable[[Path], Table]
    read_items: Callable[[Path], Table]
    columns: Columns
    titles: tuple[str, ...] = ()
    genres: Callable[[Row], tuple[str, ...]] | None = None
    unrated: float | None = None


ML_COLUMNS = Columns("userId", "movieId", "title", "rating", "timestamp")
COLONS = Layout(
    r"ratings\.dat", r"movies\.dat", ("ratings.dat", "movies.dat"),
    _unheaded("::", "userId", "movieId", "rating", "timestamp"), _unheaded("::", "movieId", "title", "genres"),
    ML_COLUMNS,
)  # fmt: skip
REVIEWS, METADATA = r"(?!meta).*\.jsonl?", r"meta.*\.jsonl?"
AMAZON_FILES = ("*.json or *.jsonl", "meta*.json or meta*.jsonl")
LAYOUTS: Mapping[str, tuple[Layout, ...]] = {
    "movielens": (
        Layout(
            r"ratings\.csv", r"movies\.csv", ("ratings.csv", "movies.csv"), _headed(","), _headed(","), ML_COLUMNS
        ),
        COLONS,
        Layout(
            r"u\.data", r"u\.item", ("u.data", "u.item"),
            _unheaded("\t", "user", "item", "rating", "time"), _unheaded("|", *ML_100K_ITEM),
            Columns(), genres=_flagged_genres,
        ),
    ),
    "movietweetings": (COLONS,),
    "amazon2018": (
        Layout(
            REVIEWS, METADATA, AMAZON_FILES, read_json_lines, read_json_lines,
            Columns("reviewerID", "asin", "title", "overall", "unixReviewTime", "category"),
        ),
    ),
    "amazon2023": (
        Layout(
            REVIEWS, METADATA, AMAZON_FILES, read_json_lines, read_json_lines,
            Columns("user_id", "parent_asin", "title", "rating", "timestamp", "categories"),
        ),
    ),
    "goodreads": (
        Layout(
            r"goodreads_interactions.*\.jsonl?", r"goodreads_books.*\.jsonl?",
            ("goodreads_interactions*.json", "goodreads_books*.json"), read_json_lines, read_json_lines,
            Columns("user_id", "book_id", "title", "rating", "date_updated"), unrated=0.0,
        ),
    ),
    "bookcrossing": (
        Layout(
            r"BX-Book-Ratings\.csv", r"BX[-_]Books\.csv", ("BX-Book-Ratings.csv", "BX-Books.csv"),
            _headed(";", "\\"), _headed(";", "\\"),
            Columns("User-ID", "ISBN", "Book-Title", "Book-Rating", ""), unrated=0.0,
        ),
    ),
    "lastfm": (
        Layout(
            r"user_artists\.dat", r"artists\.dat", ("user_artists.dat", "artists.dat"), _headed("\t"), _artists,
            Columns("userID", "artistID", "name", "weight", ""),
        ),
    ),
    "recbole": (
        Layout(
            r".*\.inter", r".*\.item", ("*.inter", "*.item"), _atomic, _atomic,
            Columns("user_id", "item_id", "title", "rating", "timestamp", "class"),
            titles=("movie_title", "name", "item_name", "artist_name"),
        ),
    ),
}  # fmt: skip


def read_layout(name: str, path: Path, options: ReadOptions, given: tuple[Table, Columns] | None = None) -> Dataset:
    """Read a data set: all its files in a folder, or one file of ratings with the catalogues beside it.

    Args:
        name: A key of `LAYOUTS`.
        path: The folder or the file.
        options: How to read it; column names that differ from the defaults replace those of the layout.
        given: A catalogue from elsewhere and its columns, instead of the layout's own.

    Raises:
        DataError: There is no file of ratings or no catalogue, or a file cannot be used.
    """
    folder = path.parent if path.is_file() else path
    found = {one: [path] if path.is_file() and _fits(path, one.ratings) else [] for one in LAYOUTS[name]}
    if path.is_dir():
        found = {one: _files(folder, one.ratings) for one in LAYOUTS[name]}
    layout, ratings = next(((one, files) for one, files in found.items() if files), (LAYOUTS[name][0], []))
    if not ratings:
        names = " or ".join(one.files[0] for one in LAYOUTS[name])
        raise DataError(f"{path} holds no {names}: name an unpacked {name} folder.")
    columns = options.columns.over(layout.columns)
    if given:
        catalogue, own = given
    else:
        catalogue, own = _joined(layout.read_items, _catalogues(layout, folder, name)), columns
    genres = layout.genres if layout.genres and not given else genres_in(own.genres)
    ids, titles = (own.item, layout.columns.item), (own.title, layout.columns.title, *layout.titles)
    items, notes = read_items(catalogue, ids, titles, genres)
    files = "Files of ratings: " + ", ".join(one.name for one in ratings) + "."
    own_options = replace(options, columns=columns, unrated=layout.unrated)
    return make_dataset(_joined(layout.read_ratings, ratings), own_options, items, (files, *catalogue.notes, *notes))


def _fits(path: Path, pattern: str) -> bool:
    return bool(re.fullmatch(pattern, path.name.removesuffix(".gz"))) and not path.name.startswith(".")


def _files(folder: Path, pattern: str) -> list[Path]:
    return [one for one in sorted(folder.iterdir()) if _fits(one, pattern)]


def _catalogues(layout: Layout, folder: Path, name: str) -> list[Path]:
    if not (paths := _files(folder, layout.items)):
        raise DataError(
            f"{folder} holds no {layout.files[1]}: add that file of {name}, which holds the titles, or use --items."
        )
    return paths


def _joined(read: Callable[[Path], Table], paths: Sequence[Path]) -> Table:
    """The rows of all files. Only the first one's columns are known beforehand."""
    tables = [read(path) for path in paths]
    rows = chain.from_iterable(one.rows for one in tables)
    return Table(rows, tables[0].columns, tuple(note for one in tables for note in one.notes))
