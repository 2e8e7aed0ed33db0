"""One signed statement: an in-toto Statement in a DSSE envelope, both as canonical JSON (RFC 8785)."""

import base64
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import rfc8785
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import FormatError, VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]  # it has no __all__

from core.errors import LedgerError
from core.ledger.keys import Keys
from core.types.aliases import stored_name
from core.utils.serialization import to_json

STATEMENT = "https://in-toto.io/Statement/v1"
PAYLOAD = "application/vnd.in-toto+json"
KIND = "urn:cure-lens:{}:1"
START = b'{"payload":"'  # of each line, which is canonical JSON
NO_NUMBER = "could not be measured: there were too few rows"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    Attributes:
        kind: The kind, such as "run".
        subjects: SHA-256 digests in hex, by name: what the statement is about.
        content: JSON values.
    """

    kind: str
    subjects: Mapping[str, str]
    content: Mapping[str, Any]


def kind_word(kind: str) -> str:
    """A word that the text of each statement of a kind holds."""
    return KIND.format(kind)


def signed(statement: Statement, keys: Keys) -> bytes:
    """The signed envelope as one line without its end. NaN becomes null, and the statement says where and why.

    Raises:
        LedgerError: A text holds half of a character (an unpaired surrogate), which UTF-8 cannot store.
    """
    predicate = to_json(statement.content)
    if missing := sorted(_missing(statement.content)):
        predicate["no_number"] = {"at": missing, "why": NO_NUMBER}
    payload = {
        "_type": STATEMENT,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in statement.subjects.items()],
        "predicateType": KIND.format(statement.kind),
        "predicate": predicate,
    }
    try:
        envelope = Envelope(rfc8785.dumps(payload), PAYLOAD, {})
    except ValueError as error:  # half of a character, which a terminal can hand in
        raise LedgerError(
            f"An entry of kind {statement.kind!r} cannot be signed ({error}): write plain text."
        ) from None
    envelope.sign(keys.signer)
    return rfc8785.dumps(envelope.to_dict())


def opened(line: bytes, key: SSlibKey) -> Statement:
    """The statement of a line, after checking its signature.

    Raises:
        LedgerError: The line cannot be read, was changed, or was signed with another key.
    """
    try:
        envelope = Envelope.from_dict(json.loads(line))
        same = _bare(envelope) == line
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, FormatError) as error:
        raise LedgerError("cannot be read") from error
    if not same:
        raise LedgerError("differs from the text that was signed")
    if key.keyid not in envelope.signatures:
        raise LedgerError("is signed with another key than the one given")
    try:
        envelope.verify([key], 1)
    except VerificationError:
        raise LedgerError("was changed after it was signed, or another key signed it") from None
    return parsed(envelope.payload)


def payload_of(line: bytes) -> bytes:
    """The text of the statement in a line that was checked before."""
    return base64.b64decode(line[len(START) : line.index(b'"', len(START))])


def _bare(envelope: Envelope) -> bytes:
    """The line that consists of the payload and the first signature only: nothing else was signed."""
    fields_ = envelope.to_dict()
    fields_["signatures"] = [{"keyid": one["keyid"], "sig": one["sig"]} for one in fields_["signatures"][:1]]
    return rfc8785.dumps(fields_)


def parsed(payload: bytes) -> Statement:
    """The statement of a text whose signature is valid. Raises LedgerError where it is none of this software."""
    try:
        found = json.loads(payload)
        kind = found["predicateType"].split(":")[2]
        subjects = {one["name"]: one["digest"]["sha256"] for one in found["subject"]}
        return Statement(kind, subjects, found["predicate"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise LedgerError("is not a statement of this software") from error


def _missing(value: Any, at: str = "") -> Iterator[str]:
    """Paths of all NaN and infinite values."""
    if is_dataclass(value):
        value = {stored_name(one): getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _missing(item, f"{at}/{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _missing(item, f"{at}/{index}")
    elif isinstance(value, float) and not math.isfinite(value):
        yield at
