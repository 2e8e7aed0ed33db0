"""Files of interactions: Parquet, or the JSON lines that versions up to 0.2.0 wrote and the demo world holds."""

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.data.interaction_store import InteractionStore, damaged, schema
from core.types import Interaction
from core.utils.atomic_io import replacement
from core.utils.serialization import parse_json_lines, read_json_lines, write_json_lines

if TYPE_CHECKING:
    from pyarrow import Table

PARQUET = ".parquet"


def open_interactions(path: Path) -> InteractionStore:
    """Open a file of interactions.

    Raises:
        WorkspaceError: The file is missing or damaged.
    """
    if path.suffix == PARQUET:
        return InteractionStore.of_parquet(path)
    if path.is_file() and (table := _json_table(str(path))):
        return InteractionStore.of_table(table, str(path))
    return InteractionStore.of(read_json_lines(path, Interaction))


def parse_interactions(name: str, content: bytes) -> InteractionStore:
    """The interactions of a file that is in memory.

    Args:
        name: Its name, which tells its format.
        content: Its bytes.

    Raises:
        WorkspaceError: The content is damaged.
    """
    if name.endswith(PARQUET):
        from pyarrow import ArrowException, BufferReader, parquet  # takes a third of a second

        try:
            table = parquet.read_table(BufferReader(content)).sort_by("row").select(schema().names)
        except (ArrowException, OSError, KeyError):
            raise damaged(name) from None
        return InteractionStore.of_table(table, name)
    if table := _json_table(io.BytesIO(content)):
        return InteractionStore.of_table(table, name)
    return InteractionStore.of(parse_json_lines(name, io.BytesIO(content), Interaction))


def write_interactions(path: Path, interactions: InteractionStore) -> None:
    """Write a file of interactions in the format of its name.

    Raises:
        WorkspaceError: The operating system refused the write.
    """
    if path.suffix != PARQUET:
        write_json_lines(path, interactions)
        return
    with replacement(path) as file:
        interactions.write_parquet(file)


def _json_table(source: Any) -> "Table | None":
    """JSON lines as a table; None where a line is not just as `write_json_lines` writes it."""
    from pyarrow import ArrowException, json  # takes a third of a second

    options = json.ParseOptions(explicit_schema=schema(), unexpected_field_behavior="ignore")
    try:
        table = json.read_json(source, parse_options=options)
        table.validate(full=True)  # text that is not UTF-8
    except ArrowException:
        return None
    return None if any(column.null_count for column in table.columns) else table
