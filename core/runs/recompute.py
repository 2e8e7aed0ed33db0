"""A verdict computed again from a bundle, and compared with the one that was signed; no model is needed."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from core.errors import LedgerError
from core.ledger.keys import parse_public
from core.ledger.statement import Statement, opened
from core.runs.bundle import Bundle, digests
from core.runs.ledger_entries import VERIFICATION, verification_of
from core.types import Verification
from core.utils.serialization import to_json
from core.verification.verdict_inputs import from_parts, judge

SHOWN = 3  # differences that are named


@dataclass(frozen=True, slots=True)
class Recomputed:
    """What a bundle shows.

    Attributes:
        verification: The verification that was computed again; None where a part is not the signed one.
        faults: One sentence for each fault; empty where all is as it was signed.
        signed: When the verification was signed; "" where its signature is not valid.
        key: Id of the key that has to have signed.
    """

    verification: Verification | None
    faults: tuple[str, ...]
    signed: str
    key: str


def recompute(bundle: Bundle, key: bytes | None = None) -> Recomputed:
    """Check the signature and every part of a bundle, compute its verdict again, and compare it with the signed one.

    Args:
        bundle: The bundle.
        key: The public key in PEM, from somebody whom you trust; by default the bundle's own.

    Raises:
        LedgerError: The key is no public key.
    """
    public = parse_public(key or bundle.key.encode(), "The key")
    try:
        entry = opened(bundle.entry.encode(), public)
    except LedgerError as error:
        return Recomputed(None, (f"The entry of the verification {error}.",), "", public.keyid)
    faults = tuple(_exchanged(bundle, entry))
    found = None
    if not faults:
        try:
            found = judge(from_parts(bundle.parts))
            faults = tuple(_differences(found, entry))
        except (ValueError, KeyError) as error:
            faults = (f"This version of CURE Lens cannot read the parts ({error}): {_software(entry)}",)
    return Recomputed(found, faults, entry.content.get("time", ""), public.keyid)


def _exchanged(bundle: Bundle, entry: Statement) -> Iterator[str]:
    """What is not as it was signed."""
    signed = entry.content.get("bundle", {})
    if entry.kind != VERIFICATION or not signed:
        yield f"The entry is of kind {entry.kind!r} and names no bundle: it is not that of this verification."
        return
    present = digests(bundle.parts)
    for name in sorted({*signed, *present}):
        if name not in present:
            yield f"Part {name!r} is missing."
        elif name not in signed:
            yield f"Part {name!r} was added."
        elif present[name] != signed[name]:
            yield f"Part {name!r} was changed after it was signed."


def _differences(found: Verification, entry: Statement) -> Iterator[str]:
    """Where the verification that was computed differs from the signed one, texts aside."""
    sides = dict(_leaves(_plain(found))), dict(_leaves(_plain(verification_of(entry.content))))
    places = [place for place in sorted({*sides[0], *sides[1]}) if sides[0].get(place) != sides[1].get(place)]
    for place in places[:SHOWN]:
        yield f"{place} is {sides[0].get(place)!r}, and {sides[1].get(place)!r} was signed."
    if places:
        yield f"{len(places)} values differ from the signed ones. {_software(entry)}"


def _plain(found: Verification) -> Any:
    """A verification without the texts that are stored beside its numbers."""
    checks = tuple(replace(one, name="", source="", sentence="") for one in found.checks)
    return to_json(replace(found, checks=checks, sentence="", not_run=dict.fromkeys(found.not_run, "")))


def _leaves(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each value with its place, such as checks.3.value.low."""
    if isinstance(value, dict | list) and value:
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for name, one in pairs:
            yield from _leaves(one, f"{place}.{name}".removeprefix("."))
    else:
        yield place, value


def _software(entry: Statement) -> str:
    software = entry.content.get("software", {})
    libraries = ", ".join(f"{name} {version}" for name, version in software.get("libraries", {}).items())
    return f"It was signed by version {software.get('version')} with {libraries}: compute it with these."
