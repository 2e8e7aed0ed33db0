"""Files with the answers of references, beside the references, and their entries in the ledger.

A file holds the tensors of one kind of question, and in its header the digests of the question and of the reference's
weights. Where a ledger is kept, only a file that its writer
entered is read, so nobody can plant answers by writing files.
"""

import hashlib
import json
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
log = logging.getLogger("core")
QUESTION, ADAPTER = "question", "adapter"  # digests in the header of a file
HEADER = 8  # bytes of a file that hold the length of its header


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
        digests, found = _read(file, content)
        weights = AdapterLayout(reference).weights
        adapter = sha256_of_file(weights) if weights.is_file() else digests.get(ADAPTER)
        return found if digests == {QUESTION: question, ADAPTER: adapter} else None

    def keep(self, reference: Path, kind: str, question: str, numbers: Arrays) -> None:
        """Write the answers of a reference and enter the file into the ledger."""
        layout = AdapterLayout(reference)
        digests = {QUESTION: question, ADAPTER: sha256_of_file(layout.weights)}
        arrays = {place: np.ascontiguousarray(one) for place, one in numbers.items()}
        file, content = layout.answers(kind), save(arrays, digests)
        write_bytes(file, content)
        self.ledger.record_answers(self.request, file)
        if self.entered is not None:
            self.entered[_name(file)] = hashlib.sha256(content).hexdigest()

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
    told = {_read(file, file.read_bytes())[0].get(ADAPTER, "") for file in files}
    return told.pop() if len(told) == 1 else ""


def _read(file: Path, content: bytes) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The digests and tensors of a file; none where it is damaged, so that the reference is asked again."""
    try:
        arrays = load(content)
        size = int.from_bytes(content[:HEADER], "little")
        return json.loads(content[HEADER : HEADER + size]).get("__metadata__", {}), arrays
    except (SafetensorError, ValueError) as error:
        log.warning("%s is damaged (%s): the reference is asked again", file, error)
        return {}, {}
