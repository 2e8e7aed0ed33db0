"""Known bases: pretrained base models that a package index serves, by name, and where each lies on this machine."""

import os
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from platformdirs import user_cache_path

from core.errors import ModelError
from core.utils.commands import command_line
from core.utils.serialization import from_json

TABLE = Path(__file__).with_name("known_bases.toml")
CONVERSION = 1  # version; increase it when core.models.gguf writes other files, so that old folders are not used


@dataclass(frozen=True, slots=True)
class KnownBase:
    """A row of the table of known bases.

    Attributes:
        name: What `--base` and `base fetch` call it.
        title: Its publisher's name for it.
        licence: SPDX identifier of its licence.
        family: Its family (`core/models/families.py`).
        parameters: Number of its weights.
        modules: Attention heads and MLPs.
        weights: Precision of the stored weights, for example "4 bits (Q4_1)".
        package: Package of the package index that carries it.
        version: Version of that package.
        wheel: File name of the package's wheel.
        size: Bytes of the wheel.
        sha256: SHA-256 of the wheel, in hexadecimal digits.
        gguf: Path of the model's GGUF file inside the wheel.
    """

    name: str
    title: str
    licence: str
    family: str
    parameters: int
    modules: int
    weights: str
    package: str
    version: str
    wheel: str
    size: int
    sha256: str
    gguf: str

    @property
    def folder(self) -> Path:
        """Its folder on this machine once it is fetched; in CURE_LENS_CACHE, else in the user's cache folder."""
        root = Path(os.environ.get("CURE_LENS_CACHE") or user_cache_path("cure-lens"))
        # Two versions of the wheel, or of its conversion, lie apart.
        return root / "bases" / f"{self.name}-{self.sha256[:16]}-{CONVERSION}"

    @property
    def is_here(self) -> bool:
        """Whether it was fetched to this machine."""
        return self.folder.is_dir()

    @property
    def fetch(self) -> str:
        """The command that fetches it."""
        return command_line("base", "fetch", self.name)


@cache
def known_bases() -> dict[str, KnownBase]:
    """All known bases by name."""
    rows = tomllib.loads(TABLE.read_text("utf-8"))
    return {name: from_json(KnownBase, {"name": name, **row}) for name, row in rows.items()}


def known_base(name: str) -> KnownBase:
    """The known base of this name.

    Raises:
        ModelError: There is none.
    """
    if found := known_bases().get(name):
        return found
    raise ModelError(f"Base {name!r} is not known: choose one of {', '.join(known_bases())}.")


def absent_base(name: str) -> KnownBase | None:
    """The known base of this name if it is not on this machine; None for any other name of a base."""
    base = known_bases().get(name)
    return base if base and not base.is_here else None
