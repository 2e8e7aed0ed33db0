"""Queries over all interactions of a recommender; each reads only the rows that it needs (DuckDB, in this process).

The only module that queries interactions. Ids reach them as parameters, never as text of a query.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from core.errors import WorkspaceError
from core.types import Interaction, Request, Task

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import Schema, Table

FIELDS = "user, item, liked, time, rating"  # in the order of Interaction's fields
COLUMNS = {
    "row": "BIGINT", "user": "VARCHAR", "item": "VARCHAR", "liked": "BOOLEAN", "time": "BIGINT", "rating": "DOUBLE",
}  # fmt: skip
IS_OF_USERS = "user IN (SELECT unnest(?::VARCHAR[]))"
SETTINGS: dict[str, Any] = {
    "temp_directory": "",  # rows about people are not written outside the workspace
    "enable_external_file_cache": False,  # a row that was erased is not kept in memory either
    "autoinstall_known_extensions": False,  # nothing is downloaded
    "autoload_known_extensions": False,
}
BATCH = 20_000  # rows that become Python objects at a time
ROW_GROUP = 61_440  # rows of a Parquet file that are read together
PART = 4 * ROW_GROUP  # rows that are sorted at a time


@dataclass(frozen=True, slots=True)
class Totals:
    """Size of a data set: its rows, users, items and liked rows, and the times of its first and last row."""

    rows: int
    users: int
    items: int
    liked: int
    first: int
    last: int


class InteractionStore:
    """All interactions, in time order.

    Iterating reads every row; each method reads the rows of its answer. Threads may ask at the same time.

    Args:
        connection: A database with the table or view `interactions`: the fields of `Interaction`, and the number `row`
            of each in time order, from 0.
        origin: Where the rows come from, for error messages.
    """

    def __init__(self, connection: "DuckDBPyConnection", origin: str) -> None:
        self._connection = connection
        self._origin = origin

    @classmethod
    def of(cls, interactions: Iterable[Interaction]) -> "InteractionStore":
        """Interactions in memory, which are in time order."""
        from pyarrow import table  # takes a third of a second, and Parquet files do without

        rows, types = list(interactions), schema()
        return cls.of_table(table({name: [getattr(one, name) for one in rows] for name in types.names}, schema=types))

    @classmethod
    def of_table(cls, table: "Table", origin: str = "memory") -> "InteractionStore":
        """The rows of a table with the columns `FIELDS`, in time order.

        Raises:
            WorkspaceError: A column has another type, or a value is missing.
        """
        from numpy import arange  # Parquet files do without

        connection = _connect()
        connection.register("given", table.select(FIELDS.split(", ")).append_column("row", [arange(len(table))]))
        types = "user::VARCHAR AS user, item::VARCHAR AS item, liked, time, rating"
        connection.execute(f"CREATE TABLE interactions AS SELECT row, {types} FROM given")
        connection.unregister("given")
        store = cls(connection, origin)
        store._check_columns()
        return store

    @classmethod
    def of_parquet(cls, path: Path) -> "InteractionStore":
        """The rows of a Parquet file that `write_parquet` made; they stay in the file.

        Raises:
            WorkspaceError: The file is missing or damaged.
        """
        from duckdb import Error  # see `_connect`

        if not path.is_file():
            raise WorkspaceError(f"{path} is not there: run `prepare` again.")
        connection = _connect()
        try:
            connection.read_parquet(_literal(path)).create_view("interactions")
        except Error:
            raise damaged(str(path)) from None
        store = cls(connection, str(path))
        store._check_columns()
        return store

    def __len__(self) -> int:
        return int(self._all("SELECT count(*) FROM interactions")[0][0])

    def __iter__(self) -> Iterator[Interaction]:
        return self._interactions(f"SELECT {FIELDS} FROM interactions ORDER BY row")

    def users(self) -> list[str]:
        """All users, in the order of their first interactions."""
        return [user for (user,) in self._all("SELECT user FROM interactions GROUP BY user ORDER BY min(row)")]

    def items(self) -> list[str]:
        """All items with an interaction, in the order of their first ones."""
        return [item for (item,) in self._all("SELECT item FROM interactions GROUP BY item ORDER BY min(row)")]

    def of_users(self, users: Collection[str]) -> list[Interaction]:
        """The interactions of some users, in time order."""
        query = f"SELECT {FIELDS} FROM interactions WHERE {IS_OF_USERS} ORDER BY row"
        return list(self._interactions(query, list(filter(_is_unicode, users))))

    def covered(self, request: Request) -> list[Interaction]:
        """The interactions that a request removes, in time order."""
        return list(filter(request.covers, self.of_users(request.subjects)))

    def holds(self, user: str, item: str) -> bool:
        """Whether a user has an interaction with an item."""
        query = "SELECT 1 FROM interactions WHERE user = ? AND item = ? LIMIT 1"
        return _is_unicode(user + item) and bool(self._all(query, user, item))

    def knows_any(self, users: Iterable[str]) -> bool:
        """Whether any of these users has an interaction; it asks until it finds one."""
        return any(self._all("SELECT 1 FROM interactions WHERE user = ? LIMIT 1", user) for user in users)

    def history_lengths(self, task: Task) -> dict[str, int]:
        """Number of interactions of each user that a task uses (see `core.data.splits.by_user`), first user first."""
        uses = "" if task is Task.CLICK else "WHERE liked"
        found = self._all(f"SELECT user, count(*) FROM interactions {uses} GROUP BY user ORDER BY min(row)")
        return {user: int(length) for user, length in found}

    def totals(self) -> Totals:
        """How many rows, users and items there are. Raises WorkspaceError where there is none."""
        counts = "count(*), count(DISTINCT user), count(DISTINCT item), count(*) FILTER (WHERE liked)"
        (found,) = self._all(f"SELECT {counts}, arg_min(time, row), arg_max(time, row) FROM interactions")
        if not found[0]:
            raise damaged(self._origin, "it is empty")
        return Totals(*map(int, found))

    def without(self, request: Request) -> "InteractionStore":
        """All interactions but those that a request removes."""
        covers, asked = request.covers, f"SELECT {FIELDS}, row FROM interactions WHERE {IS_OF_USERS}"
        removed = [row for *fields, row in self._all(asked, list(request.subjects)) if covers(Interaction(*fields))]
        rest = f"SELECT {FIELDS} FROM interactions WHERE row NOT IN (SELECT unnest(?::BIGINT[])) ORDER BY row"
        return InteractionStore.of_table(self._connection.cursor().sql(rest, params=[removed]).to_arrow_table())

    def write_parquet(self, file: BinaryIO) -> None:
        """Write Parquet in which the rows of a user lie together, so that one or two row groups hold them."""
        from pyarrow import field, int64  # see `of`
        from pyarrow.parquet import ParquetWriter  # see `of`

        query = f"SELECT row, {FIELDS} FROM interactions WHERE user BETWEEN ? AND ? ORDER BY user, row"
        types = schema().insert(0, field("row", int64()))
        with ParquetWriter(file, types, compression="zstd") as writer:
            for ends in self._parts():  # sorted one after the other, since all at once take as much memory as the rows
                for batch in self._connection.cursor().sql(query, params=ends).to_arrow_reader(ROW_GROUP):
                    writer.write_batch(batch.cast(types))

    def _parts(self) -> Iterator[list[str]]:
        """First and last user of parts with about PART rows each, which hold all users in order."""
        first, rows, user = "", 0, ""
        for user, length in self._all("SELECT user, count(*) FROM interactions GROUP BY user ORDER BY user"):
            first, rows = first if rows else user, rows + length
            if rows >= PART:
                yield [first, user]
                rows = 0
        if rows:
            yield [first, user]

    def _check_columns(self) -> None:
        """Check that every column has its type, and no value is missing.

        The statistics of our files say how many values are missing, so no row is read where none is.
        """
        asked = self._asked(f"SELECT {', '.join(COLUMNS)} FROM interactions LIMIT 0")
        for name, kind, *_ in asked.description or ():
            if str(kind) != COLUMNS[name]:
                raise damaged(self._origin, f"column {name} is {str(kind)[:40]}, not {COLUMNS[name]}")
        missing = [f"{name} IS NULL" for name in COLUMNS]
        for found in self._all(f"SELECT {', '.join(missing)} FROM interactions WHERE {' OR '.join(missing)} LIMIT 1"):
            raise damaged(self._origin, f"column {list(COLUMNS)[found.index(True)]} has a row without a value")

    def _interactions(self, query: str, *parameters: Any) -> Iterator[Interaction]:
        """Rows as objects; equal ids are one object, since a row has two and there are few."""
        known: dict[str, str] = {}
        found = self._asked(query, *parameters)
        while rows := found.fetchmany(BATCH):
            for user, item, *rest in rows:
                yield Interaction(known.setdefault(user, user), known.setdefault(item, item), *rest)

    def _all(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self._asked(query, *parameters).fetchall()

    def _asked(self, query: str, *parameters: Any) -> "DuckDBPyConnection":
        from duckdb import Error  # see `_connect`

        try:
            return self._connection.cursor().execute(query, parameters)
        except Error:
            raise damaged(self._origin) from None


def schema() -> "Schema":
    """Types of the columns `FIELDS` in memory."""
    import pyarrow as pa  # see `InteractionStore.of`

    types = (pa.string(), pa.string(), pa.bool_(), pa.int64(), pa.float64())
    return pa.schema(list(zip(FIELDS.split(", "), types, strict=True)))


def _connect() -> "DuckDBPyConnection":
    from duckdb import connect  # takes a tenth of a second

    return connect(":memory:", config=SETTINGS)


def _literal(path: Path) -> str:
    """A path in which DuckDB reads no pattern."""
    return "".join(f"[{one}]" if one in "*?[" else one for one in str(path))


def _is_unicode(name: str) -> bool:
    """Whether a file can hold a name. The command line makes lone surrogates of other bytes."""
    return not any("\ud800" <= letter <= "\udfff" for letter in name)


def damaged(origin: str, flaw: str = "") -> WorkspaceError:
    """The error of a file of interactions that is not as it was written."""
    return WorkspaceError(f"{origin} is damaged{flaw and f' ({flaw})'}: restore it or run `prepare` again.")
