"""Files with the answers of references, beside the references, and their entries in the ledger.

A file holds the numbers of one kind of question, and three digests: of the question, and of the reference's weights and
configuration. With a ledger, a file is read only if the ledger holds its SHA-256, and no answers are kept of a
reference whose weights are others than those that were entered.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import WorkspaceError
from core.runs.ledger import RunLedger
from core.utils.atomic_io import write_bytes
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_file
from core.workspace.run_layout import AdapterLayout

Arrays = Mapping[str, np.ndarray]
log = logging.getLogger("core")
Digests = Mapping[str, str]  # SHA-256 by WEIGHTS and CONFIG
QUESTION, WEIGHTS, CONFIG = "question", "weights", "config"  # SHA-256 digests in a file, as bytes
NEVER: Digests = {WEIGHTS: "never recorded"}


class AnswerFiles:
    """The files of one request's references.

    Args:
        request: Id of the request.
        ledger: Where the files are entered.
    """

    def __init__(self, request: str, ledger: RunLedger) -> None:
        self.request, self.ledger = request, ledger
        # Both read once, as a ledger can be long.
        self.entered, self.recorded = ledger.entered_answers(request), ledger.reference_digests(request)

    def trained(self, references: Sequence[Path]) -> tuple[Path, ...]:
        """Those of some references that the ledger holds as they are now; all of them without a ledger."""
        return references_in(self.recorded, references) if self.entered is not None else tuple(references)

    def subjects(self, references: Sequence[Path]) -> dict[str, str]:
        """SHA-256 of the weights of some references, as they were recorded, by their names in the ledger."""
        known = (one for one in references if one.name in self.recorded)
        return {f"reference {one.name}": self.recorded[one.name][WEIGHTS] for one in known}

    def find(self, reference: Path, kind: str, question: str) -> Arrays | None:
        """Return the kept answers of a reference; None if no file fits the question, the reference and the ledger."""
        file = AdapterLayout(reference).answers(kind)
        if not file.is_file():
            return None
        content = file.read_bytes()
        if self.entered is not None and self.entered.get(_name(file)) != hashlib.sha256(content).hexdigest():
            log.warning("%s is not the file that the ledger holds: it is ignored", file)
            return None
        found = _read(file, content)
        stored = {name: _digest(found.pop(name, None)) for name in (QUESTION, WEIGHTS, CONFIG)}
        own = (_identity(reference) or stored) | self.recorded.get(reference.name, {})
        return found if stored == {**own, QUESTION: question} else None

    def keep(self, reference: Path, kind: str, question: str, identity: Mapping[str, str], numbers: Arrays) -> None:
        """Write the answers of a reference and enter the file into the ledger.

        Args:
            reference: Folder of the reference.
            kind: Names the set of questions, and the file.
            question: Digest of the question.
            identity: SHA-256 of the weights and the configuration that answered.
            numbers: The answers.

        Raises:
            WorkspaceError: They are not those that the ledger holds.
        """
        if _differs(identity, self.recorded.get(reference.name, {})):
            raise WorkspaceError(f"{reference} was exchanged while it was loaded: train it again.")
        digests = {**identity, QUESTION: question}
        arrays = {name: np.frombuffer(bytes.fromhex(digest), np.uint8) for name, digest in digests.items()}
        arrays |= {key: np.ascontiguousarray(one) for key, one in numbers.items()}
        file, content = AdapterLayout(reference).answers(kind), save(arrays)
        digest = hashlib.sha256(content).hexdigest()  # of what was computed, not of what lies in the file by now
        write_bytes(file, content)
        self.ledger.record_answers(self.request, file, digest)
        if self.entered is not None:
            self.entered[_name(file)] = digest


def _name(file: Path) -> str:
    """The name of a file of answers in the ledger: its reference's and its own."""
    return f"{file.parent.name}/{file.name}"


def _identity(reference: Path) -> dict[str, str]:
    """SHA-256 of the files that decide what a reference answers; empty where its weights are gone."""
    layout = AdapterLayout(reference)
    return layout.digests() if layout.weights.is_file() else {}


def _differs(found: Mapping[str, str], recorded: Mapping[str, str]) -> bool:
    """Whether any recorded digest is another one. Earlier versions recorded that of the weights alone."""
    return any(found.get(name) != digest for name, digest in recorded.items())


def references_in(recorded: Mapping[str, Digests], references: Sequence[Path]) -> tuple[Path, ...]:
    """The references whose digests were recorded when they were trained; a warning names each other one."""
    known = tuple(
        folder for folder in references if not _differs(reference_digests(folder), recorded.get(folder.name, NEVER))
    )
    for folder in sorted(set(references) - set(known)):
        log.warning("%s is not used, as the ledger has no entry with its weights and configuration: train it", folder)
    return known


def without_answers(references: Iterable[Path]) -> list[Path]:
    """The references that have no file of answers for a run's evaluation, whatever its question."""
    return [folder for folder in references if not any(AdapterLayout(folder).answer_files("evaluation"))]


def reference_digests(reference: Path) -> dict[str, str]:
    """SHA-256 of a reference's weights, see `reference_digest`, and of its configuration."""
    config = AdapterLayout(reference).config
    return {WEIGHTS: reference_digest(reference), CONFIG: sha256_of_file(config) if config.is_file() else ""}


def reference_digest(reference: Path) -> str:
    """SHA-256 of a reference's weights, else the one in its kept answers; "" if these disagree or are all damaged."""
    layout = AdapterLayout(reference)
    if layout.weights.is_file():
        return sha256_of_file(layout.weights)
    told = {_digest(_read(file, read_file(file)).get(WEIGHTS)) for file in layout.answer_files()}
    told.discard("")  # of damaged files
    return told.pop() if len(told) == 1 else ""


def _digest(stored: np.ndarray | None) -> str:
    return "" if stored is None else stored.tobytes().hex()


def _read(file: Path, content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file; none where it is damaged."""
    try:
        return dict(load(content))
    except (SafetensorError, ValueError) as error:
        log.warning("%s is damaged (%s): it is ignored", file, error)
        return {}
