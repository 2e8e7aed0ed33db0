"""The bundle of a verification: one file from which anybody computes its verdict again, without a model or data.

A run's own bundle holds the inputs of the verdict. The one that is handed on also holds the signed entry of the
verification, which names the digest of each part, and the public key.
"""

import gzip
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zlib import error as ZlibError

from core.errors import DamagedError, LedgerError, RunError
from core.runs.handle import RunHandle
from core.utils.commands import command_line
from core.utils.serialization import from_json, read_file, sorted_json, to_json

GZIP = b"\x1f\x8b"  # how a packed file begins
MOST = 1 << 30  # bytes of an unpacked bundle; a small file can be packed that unpacks to any size


@dataclass(frozen=True, slots=True)
class Bundle:
    """The content of a bundle.

    Attributes:
        parts: The inputs of the verdict by part (`core.verification.verdict_inputs`).
        entry: The signed entry of the verification, as it stands in the ledger; "" in a run's own bundle.
        key: The ledger's public key in PEM; "" in a run's own bundle.
    """

    parts: dict[str, Any]
    entry: str = ""
    key: str = ""


def digests(parts: Mapping[str, Any]) -> dict[str, str]:
    """SHA-256 of each part, as JSON with sorted keys."""
    return {name: hashlib.sha256(sorted_json(part).encode()).hexdigest() for name, part in parts.items()}


def written(bundle: Bundle) -> bytes:
    """The bytes of a run's own bundle, which are not packed, so that the search for traces can read them."""
    return json.dumps(to_json(bundle)).encode()


def pack(bundle: Bundle) -> bytes:
    """The bytes of a bundle that is handed on; equal bundles have equal bytes."""
    return gzip.compress(written(bundle), mtime=0)


def read_bundle(path: Path) -> Bundle:
    """Read a bundle.

    Raises:
        WorkspaceError: The file is missing.
        DamagedError: It is no bundle.
    """
    try:
        text = read_file(path)
        if text.startswith(GZIP):
            with gzip.open(BytesIO(text)) as file:
                text = file.read(MOST + 1)
        if len(text) > MOST:
            raise ValueError(f"it unpacks to more than {MOST >> 30} GiB")
        return from_json(Bundle, json.loads(text), path)
    except (OSError, EOFError, ZlibError, ValueError, RecursionError) as error:
        raise DamagedError(f"{path} is no whole bundle ({error}): ask for it again, or make it again.") from None


def export_bundle(run: RunHandle) -> Bundle:
    """The bundle of a run's last verification with its signed entry.

    Raises:
        RunError: The run was not verified since bundles are kept, or its bundle is not the one that was signed.
        LedgerError: No ledger is kept, or it is damaged.
    """
    from core.ledger.chain import line_of  # loads the signing libraries
    from core.runs.ledger_entries import Ledger  # loads the signing libraries

    layout = run.workspace.layout
    if not run.workspace.keeps_ledger:
        raise LedgerError(f"{run.workspace.root} keeps no ledger, so nobody vouches for a bundle: see `ledger init`.")
    content = Ledger(run.workspace).verified_content(run.id)
    own = read_bundle(run.layout.bundle) if run.layout.bundle.is_file() else Bundle({})
    if not own.parts or digests(own.parts) != content.get("bundle"):
        again = command_line("verify", "--workspace", str(run.workspace.root), "--run", run.id)
        raise RunError(f"Run {run.id!r} has no bundle that its last verification signed: verify it again with {again}.")
    line, key = line_of(layout.ledger, content["number"]), read_file(layout.ledger_key)
    return replace(own, entry=line.decode(), key=key.decode())
