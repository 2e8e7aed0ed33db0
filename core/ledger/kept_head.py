"""The last head of a ledger, kept beside its keys: it shows that an earlier state of the workspace was put back.

Whoever can write a workspace can replace all of it by an older copy, whose ledger is whole. The head lies where only
the account that signs can write. The demo's key is public and every demo begins anew, so none is kept for it.
"""

from functools import cache
from pathlib import Path

from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from core.errors import LedgerError
from core.ledger.keys import demo_keys, folder_of
from core.utils.atomic_io import write_bytes
from core.utils.commands import command_line

FILE = "head"
Head = tuple[int, str]  # number of entries, and SHA-256 of the last one


def keep_head(key: SSlibKey, head: Head) -> None:
    """Keep the head of a ledger after an entry. Raises WorkspaceError."""
    if not _is_demo(key.keyid):
        write_bytes(folder_of(key) / FILE, f"{head[0]} {head[1]}\n".encode())


def kept_head(key: SSlibKey) -> Head | None:
    """The head that was kept last; None where none is kept, such as on the machine of an auditor.

    Raises:
        LedgerError: The file is damaged.
    """
    path = folder_of(key) / FILE
    if _is_demo(key.keyid) or not path.is_file():
        return None
    try:
        count, last = path.read_text().split()
        return int(count), last
    except (OSError, ValueError) as error:
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
        f"{entries} entries of {head[0]} that" if entries < head[0] else f"another entry {head[0]} than the one that"
    )
    again = command_line("ledger", "accept", "--workspace", str(path.parent))
    return LedgerError(
        f"{path} has {found} this account signed: an earlier copy of the workspace was put back. Put the newest one "
        f"back, or, if this was meant, run {again}."
    )


@cache
def _is_demo(keyid: str) -> bool:
    return bool(demo_keys().signer.public_key.keyid == keyid)
