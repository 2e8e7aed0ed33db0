"""Times in files."""

from typing import Annotated

IsoTime = Annotated[str, "ISO 8601 with a time zone; empty where it is not known"]
