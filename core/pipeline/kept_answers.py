"""Answers of retrained references that are kept, since every run and verification of a request asks them the same.

Kept are the numbers alone. Who answered, and what is true, follows from the rows, which are the same for all models of
a request; so the answers of the model at hand serve as the form that the numbers are filled into (`filled`). Kept
answers hold for one question only: the same rows, settings, base model, adapter, device and precision.
"""

import gc
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from core.errors import ModelError
from core.models.hub import fingerprint, resolve
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter
from core.types import Item, Recommendation
from core.utils.commands import command_line
from core.utils.hashing import sha256_of_file
from core.utils.serialization import to_json
from core.workspace.run_layout import AdapterLayout

VERSION = 1  # raise it where models are asked anything else than before
Arrays = Mapping[str, np.ndarray]
T = TypeVar("T")


class KeptAnswers(Protocol):
    """Keeps the answers of references."""

    def find(self, reference: Path, kind: str, question: str) -> Arrays | None:
        """Return what was kept of a reference's answers to a question, or None."""

    def keep(self, reference: Path, kind: str, question: str, numbers: Arrays) -> None:
        """Keep a reference's answers."""


class NothingKept:
    """Keeps no answers."""

    def find(self, _reference: Path, _kind: str, _question: str) -> None:
        """Return None."""

    def keep(self, _reference: Path, _kind: str, _question: str, _numbers: Arrays) -> None:
        """Do nothing."""


NOTHING_KEPT = NothingKept()


class ReferenceAnswers:
    """The answers of a request's references: those that were kept, or new ones.

    Args:
        kept: Keeps the answers.
        context: The data of the request.
        asked: The model at hand, which is asked the same.
        device: Where references are loaded: a name of a device, or several for a model over several GPUs.
    """

    def __init__(self, kept: KeptAnswers, context: RequestContext, asked: Recommender, device: str) -> None:
        self.kept, self.context, self.device = kept, context, device
        self.precision = (asked.device.type, str(asked.dtype))
        self.items = tuple(context.workspace.items.values())

    @cached_property
    def question(self) -> str:
        """The digest of what all references are asked; without references, nothing needs to be read for it."""
        return question(self.context, self.precision)

    def of(self, reference: Path, kind: str, form: T, ask: Callable[[Recommender], T]) -> T:
        """Return the answers of one reference.

        Args:
            reference: Folder of the reference.
            kind: What is asked: the same word for the same call of `ask`.
            form: The answers of the model at hand to the same.
            ask: Asks a model.
        """
        asked = hashlib.sha256(f"{self.question} {kind}".encode()).hexdigest()
        found = self.kept.find(reference, kind, asked)
        if found is not None and fits(form, found, self.items):
            return filled(form, found, self.items)
        gc.collect()  # the reference before may be part of a reference cycle
        answers = ask(load_reference(self.context, reference, self.device))
        self.kept.keep(reference, kind, asked, numbers(answers, self.items))
        return answers


def load_reference(context: RequestContext, reference: Path, device: str) -> Recommender:
    """Load one reference of a request.

    Raises:
        ModelError: Only its answers were kept, to another question.
    """
    if not AdapterLayout(reference).weights.is_file():
        raise ModelError(
            f"Of reference {reference.name} only answers were kept, and not to what is asked now (another device, "
            f"precision, data or kind of verification): ask the same, or remove its folder and train it again with "
            f"{command_line('reference', '--request', context.request.id)}."
        )
    return load_adapter(context.workspace, str(reference), device)


def question(context: RequestContext, precision: tuple[str, str]) -> str:
    """SHA-256 of everything beside the adapter that decides what a model answers.

    Args:
        context: The data of the request.
        precision: Kind of the device, and dtype of the weights.
    """
    workspace = context.workspace
    layout, settings = workspace.layout, workspace.settings
    files = (layout.items, layout.interactions, layout.user_split, workspace.templates)
    about = {
        "version": VERSION,
        "base": fingerprint(resolve(workspace.base, settings.base_revision)),
        "request": [context.request.users, context.request.interactions],
        "settings": {name: value for name, value in asdict(settings).items() if name not in ("people", "clusters")},
        "data": [sha256_of_file(file) for file in files],
        "precision": precision,
    }
    return hashlib.sha256(json.dumps(to_json(about), sort_keys=True).encode()).hexdigest()


def numbers(answers: Any, items: Sequence[Item]) -> dict[str, np.ndarray]:
    """Return what a model answered, by its place in `answers`, without users and labels; items by their number."""
    return dict(_leaves(answers, "", {item.id: number for number, item in enumerate(items)}))


def fits(form: Any, found: Arrays, items: Sequence[Item]) -> bool:
    """Whether kept numbers have the places and shapes of `form`."""
    return {place: one.shape for place, one in numbers(form, items).items()} == {
        place: one.shape for place, one in found.items()
    }


def filled(form: T, found: Arrays, items: Sequence[Item], place: str = "") -> T:
    """Return a copy of `form` with the kept numbers in the places of its own.

    Args:
        form: Answers of another model to the same question.
        found: The kept numbers.
        items: The catalogue, in its order.
        place: Where `form` stands in the whole answers.
    """
    value: Any = form
    if isinstance(value, np.ndarray):
        value = found.get(place, value)
    elif _is_list(value):
        rows = zip(found[f"{place}/items"].tolist(), found[f"{place}/scores"].tolist(), strict=True)
        value = tuple(Recommendation(items[number].id, items[number].title, score) for number, score in rows)
    else:
        parts = [filled(part, found, items, f"{place}/{name}") for name, part in _parts(value)]
        if is_dataclass(value) and not isinstance(value, type):
            value = replace(value, **dict(zip((one.name for one in fields(value)), parts, strict=True)))
        elif isinstance(value, Mapping):
            value = dict(zip(value, parts, strict=True))
        elif isinstance(value, tuple):
            value = tuple(parts)
    return cast(T, value)


def _leaves(value: Any, place: str, number_of: Mapping[str, int]) -> Iterator[tuple[str, np.ndarray]]:
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        yield place, value
    elif _is_list(value):
        yield f"{place}/items", np.array([number_of[one.item] for one in value])
        yield f"{place}/scores", np.array([one.score for one in value])
    else:
        for name, part in _parts(value):
            yield from _leaves(part, f"{place}/{name}", number_of)


def _parts(value: Any) -> list[tuple[str, Any]]:
    """The parts of answers in their order; those of a mapping by number, since its keys may be users."""
    if is_dataclass(value):
        return [(one.name, getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, Mapping | tuple):
        return [
            (str(number), part) for number, part in enumerate(value.values() if isinstance(value, Mapping) else value)
        ]
    return []


def _is_list(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Recommendation)
