"""Files with the answers of references, beside the references, and their entries in the ledger.

A file holds the numbers of one kind of question, and the digests of the question and of the reference's weights. Where
a ledger is kept, only a file that its writer entered is read, so nobody can plant answers by writing files.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.runs.ledger import RunLedger
from core.utils.atomic_io import write_bytes
from core.utils.hashing import sha256_of_file
from core.workspace.run_layout import AdapterLayout

Arrays = Mapping[str, np.ndarray]
NO_DIGEST = np.empty(0, np.uint8)
log = logging.getLogger("core")
QUESTION, ADAPTER = "question", "adapter"  # digests in a file, as bytes


class AnswerFiles:
    """The files of one request's references.

    Args:
        request: Id of the request.
        ledger: Where the files are entered.
    """

    def __init__(self, request: str, ledger: RunLedger) -> None:
        self.request, self.ledger = request, ledger
        self.entered = ledger.entered_answers(request)  # read once, as a ledger can be long

    def find(self, reference: Path, kind: str, question: str) -> Arrays | None:
        """Return the kept answers of a reference to a question; None where another one or nothing was kept."""
        file = AdapterLayout(reference).answers(kind)
        content = file.read_bytes() if file.is_file() else b""
        if not content or not self._trusts(file, content):
            return None
        found = _read(file, content)
        asked, adapter = _digest(found.pop(QUESTION, NO_DIGEST)), _digest(found.pop(ADAPTER, NO_DIGEST))
        weights = AdapterLayout(reference).weights
        own = sha256_of_file(weights) if weights.is_file() else adapter
        return found if (asked, adapter) == (question, own) else None

    def keep(self, reference: Path, kind: str, question: str, numbers: Arrays) -> None:
        """Write the answers of a reference and enter the file into the ledger."""
        layout = AdapterLayout(reference)
        digests = {QUESTION: question, ADAPTER: sha256_of_file(layout.weights)}
        arrays = {name: np.frombuffer(bytes.fromhex(digest), np.uint8) for name, digest in digests.items()}
        arrays |= {place: np.ascontiguousarray(one) for place, one in numbers.items()}
        file, content = layout.answers(kind), save(arrays)
        digest = hashlib.sha256(content).hexdigest()  # of what was computed, not of what lies in the file by now
        write_bytes(file, content)
        self.ledger.record_answers(self.request, file, digest)
        if self.entered is not None:
            self.entered[_name(file)] = digest

    def _trusts(self, file: Path, content: bytes) -> bool:
        """Whether no ledger is kept, or this very content was entered."""
        return self.entered is None or self.entered.get(_name(file)) == hashlib.sha256(content).hexdigest()


def _name(file: Path) -> str:
    """The name of a file of answers in the ledger: its reference's and its own."""
    return f"{file.parent.name}/{file.name}"


def unasked(references: Iterable[Path]) -> list[Path]:
    """The references whose outputs for a run's evaluation were not kept."""
    return [folder for folder in references if not any(folder.glob(AdapterLayout(folder).answers("evaluation*").name))]


def reference_digest(reference: Path) -> str:
    """SHA-256 of a reference's weights; where only its answers were kept, as these tell it."""
    layout = AdapterLayout(reference)
    if layout.weights.is_file():
        return sha256_of_file(layout.weights)
    files = reference.glob(layout.answers("*").name)
    told = {_digest(_read(file, file.read_bytes()).get(ADAPTER, NO_DIGEST)) for file in files}
    return told.pop() if len(told) == 1 else ""


def _digest(stored: np.ndarray) -> str:
    return stored.tobytes().hex()


def _read(file: Path, content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file; none where it is damaged, so that the reference is asked again."""
    try:
        return dict(load(content))
    except (SafetensorError, ValueError) as error:
        log.warning("%s is damaged (%s): the reference is asked again", file, error)
        return {}
