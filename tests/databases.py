"""Values that only another program stores in our databases."""

import sqlite3
from contextlib import closing
from pathlib import Path


def store_untyped(path: Path, table: str, column: str, value: object) -> None:
    """Store a value of any type in all rows of a STRICT table, which is made one without STRICT meanwhile."""
    change = "UPDATE sqlite_schema SET sql = ? WHERE name = ?"
    with closing(sqlite3.connect(path)) as database, database:
        (strict,) = database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        database.execute("PRAGMA writable_schema = ON")
        database.execute(change, (strict.removesuffix(" STRICT").replace("NOT NULL", ""), table))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(f"UPDATE {table} SET {column} = ?", (value,))
        database.execute("PRAGMA writable_schema = ON")
        database.execute(change, (strict, table))
