"""SHA-256 digests of files and texts."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from core.utils.regular_files import regular_file


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a regular file in hex. Raises WorkspaceError."""
    with regular_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_digest(text: str) -> str:
    """The first 16 hex digits of the SHA-256 of a text, to stand for it in a name of a file, a lock or a job."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digests_match(files: Mapping[str, Path], expected: Mapping[str, str]) -> bool:
    """Whether each file with an expected SHA-256 exists and has it; files without one are not checked."""
    return all(
        path.is_file() and sha256_of_file(path) == expected[name] for name, path in files.items() if name in expected
    )
