"""The last head of a ledger, kept beside its keys: it shows that an earlier state of the workspace was put back.

Whoever can write a workspace can replace all of it by an older copy, whose ledger is whole. The head lies where only
the account that signs can write. The demo's key is public and every demo begins anew, so none is kept for it.

The head also holds the digest of the whole ledger up to its entry. Entries under that digest were checked when they
were signed, so a reader need not check their signatures again: 100,000 of them take most of a minute.
"""

import fcntl
import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from core.errors import LedgerError
from core.ledger.keys import demo_keys, folder_of
from core.utils.atomic_io import write_bytes
from core.utils.commands import command_line
from core.utils.file_locks import locked

FILE, LOCK = "head", "lock"


@dataclass(frozen=True, slots=True)
class Head:
    """What a ledger held after an entry.

    Attributes:
        entries: Number of entries.
        last: SHA-256 of the last one, without its line feed.
        size: Bytes of all of them; 0 in heads of earlier versions.
        whole: SHA-256 of these bytes.
    """

    entries: int
    last: str
    size: int = 0
    whole: str = ""

    def vouches_for(self, content: bytes) -> bool:
        """Whether a ledger begins with the very bytes that were signed."""
        return bool(self.size) and hashlib.sha256(memoryview(content)[: self.size]).hexdigest() == self.whole


def key_lock(key: SSlibKey) -> AbstractContextManager[None]:
    """Hold the lock of a key while an entry is added. Another process waits.

    A lock on the ledger itself would not do: whoever can write the workspace puts another file in its place while an
    entry waits, and has two entries follow the same one. Raises WorkspaceError.
    """
    return locked(folder_of(key) / LOCK, fcntl.LOCK_EX)


def keep_head(key: SSlibKey, head: Head) -> None:
    """Keep the head of a ledger after an entry. Raises WorkspaceError."""
    if not is_demo(key):
        write_bytes(folder_of(key) / FILE, f"{head.entries} {head.last} {head.size} {head.whole}\n".encode())


def kept_head(key: SSlibKey) -> Head | None:
    """The head that was kept last; None where none is kept, such as on the machine of an auditor.

    Raises:
        LedgerError: The file is damaged.
    """
    path = folder_of(key) / FILE
    if is_demo(key) or not path.is_file():
        return None
    try:
        count, last, *more = path.read_text().split()
        return Head(int(count), last, *((int(more[0]), more[1]) if more else ()))
    except (OSError, ValueError, IndexError) as error:
        raise LedgerError(
            f"{path} is damaged: check the ledger against a head from elsewhere, then delete this file only."
        ) from error


def rolled_back(path: Path, entries: int, head: Head) -> LedgerError:
    """The error of a ledger that differs from the one that was signed here last.

    Args:
        path: The ledger.
        entries: Its number of entries.
        head: The head that was kept.
    """
    found = (
        f"{entries} entries of {head.entries} that"
        if entries < head.entries
        else f"another entry {head.entries} than the one that"
    )
    again = command_line("ledger", "accept", "--workspace", str(path.parent))
    return LedgerError(
        f"{path} has {found} this account signed: an earlier copy of the workspace was put back. Put the newest one "
        f"back, or, if this was meant, run {again}."
    )


def is_demo(key: SSlibKey) -> bool:
    """Whether a key is the demo's, with which everybody can sign."""
    return bool(key.keyid == _demo_keyid())


@cache
def _demo_keyid() -> str:
    return str(demo_keys().signer.public_key.keyid)
