"""Answers of retrained references that are kept, since every run and verification of a request asks them the same.

Only arrays of numbers and top lists are kept. Users, labels and names are copied from the unlearned model's answers to
the same questions (`template`). Kept answers hold for one question only: the same data, settings, base model and its
tokenizer, kind of device and dtype, and the same rows in the same order.
"""

import gc
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from core.errors import ModelError
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext, load_adapter
from core.pipeline.question import question_digest
from core.types import Item, Recommendation
from core.utils.commands import command_line
from core.workspace.run_layout import AdapterLayout

Arrays = Mapping[str, np.ndarray]
T = TypeVar("T")


class KeptAnswers(Protocol):
    """Keeps the answers of references."""

    def trained(self, references: Sequence[Path]) -> tuple[Path, ...]:
        """Return those of some references that were entered when they were trained."""

    def find(self, reference: Path, kind: str, question: str) -> Arrays | None:
        """Return what was kept of a reference's answers to a question, or None."""

    def keep(self, reference: Path, kind: str, question: str, identity: Mapping[str, str], numbers: Arrays) -> None:
        """Keep a reference's answers; raise WorkspaceError where the one that was loaded is not the trained one."""


class NothingKept:
    """Keeps no answers."""

    def trained(self, references: Sequence[Path]) -> tuple[Path, ...]:
        """Return all of them."""
        return tuple(references)

    def find(self, _reference: Path, _kind: str, _question: str) -> None:
        """Return None."""

    def keep(
        self, _reference: Path, _kind: str, _question: str, _identity: Mapping[str, str], _numbers: Arrays
    ) -> None:
        """Do nothing."""


NOTHING_KEPT = NothingKept()


class ReferenceAnswers:
    """The answers of a request's references: those that were kept, or new ones.

    Args:
        kept: Keeps the answers.
        context: The data of the request.
        model: The unlearned model, whose kind of device and dtype the references share.
        device: Where references are loaded: a name of a device, or several for a model over several GPUs.
    """

    def __init__(self, kept: KeptAnswers, context: RequestContext, model: Recommender, device: str) -> None:
        self.kept, self.context, self.device = kept, context, device
        self.precision = (model.device.type, str(model.dtype))
        self.items = tuple(context.workspace.items.values())

    @cached_property
    def question(self) -> str:
        """Digest of what all references are asked, computed when the first one is."""
        return question_digest(self.context.workspace, self.context.request, self.precision)

    def of(self, reference: Path, kind: str, template: T, ask: Callable[[Recommender], T]) -> T:
        """Return the answers of one reference.

        Args:
            reference: Folder of the reference.
            kind: Names the set of questions that `ask` asks.
            template: The unlearned model's answers to the same questions.
            ask: Asks a model.
        """
        question = hashlib.sha256(f"{self.question} {kind} {rows_digest(template)}".encode()).hexdigest()
        found = self.kept.find(reference, kind, question)
        if found is not None and fits(template, found, self.items):
            return with_numbers(template, found, self.items)
        gc.collect()  # the reference before may be part of a reference cycle
        model = load_reference(self.context, reference, self.device)
        answers = ask(model)
        self.kept.keep(reference, kind, question, model.adapter_digests, numbers(answers, self.items))
        return answers


def load_reference(context: RequestContext, reference: Path, device: str) -> Recommender:
    """Load one reference of a request.

    Raises:
        ModelError: Its weights are gone.
    """
    if not AdapterLayout(reference).weights.is_file():
        again = command_line("reference", "--workspace", str(context.workspace.root), "--request", context.request.id)
        raise ModelError(
            f"Reference {reference.name} has no weights and no kept answers that fit this device, data, settings and "
            f"kind of verification: remove its folder and train it again with {again}."
        )
    return load_adapter(context.workspace, str(reference), device)


def rows_digest(template: Any) -> str:
    """SHA-256 of the users, labels and names in a model's answers, so that other rows of equal shape do not fit."""
    digest = hashlib.sha256()
    for key, value in _leaves(template, ""):
        if isinstance(value, str):
            digest.update(f"{key}={value}\n".encode())
        elif isinstance(value, np.ndarray) and value.dtype.kind != "f":
            digest.update(f"{key}={value.tolist()}\n".encode())
    return digest.hexdigest()


def numbers(answers: Any, items: Sequence[Item]) -> dict[str, np.ndarray]:
    """Return what a model answered, by its key in `answers`, without users and labels; items by their number."""
    number_of = {item.id: number for number, item in enumerate(items)}
    found: dict[str, np.ndarray] = {}
    for key, value in _leaves(answers, ""):
        if _is_list(value):
            found[f"{key}/items"] = np.array([number_of[one.item] for one in value])
            found[f"{key}/scores"] = np.array([one.score for one in value])
        elif isinstance(value, np.ndarray) and value.dtype.kind == "f":
            found[key] = value
    return found


def fits(template: Any, found: Arrays, items: Sequence[Item]) -> bool:
    """Whether kept numbers have the keys and shapes of `template`."""
    return {key: one.shape for key, one in numbers(template, items).items()} == {
        key: one.shape for key, one in found.items()
    }


def with_numbers(template: T, found: Arrays, items: Sequence[Item], key: str = "") -> T:
    """Return a copy of `template` with kept numbers in place of its own.

    Args:
        template: Answers of another model to the same questions.
        found: The kept numbers.
        items: The catalogue, in its order.
        key: Key of `template` in the whole answers.
    """
    value: Any = template
    if isinstance(value, np.ndarray):
        value = found.get(key, value)
    elif _is_list(value):
        rows = zip(found[f"{key}/items"].tolist(), found[f"{key}/scores"].tolist(), strict=True)
        value = tuple(Recommendation(items[number].id, items[number].title, score) for number, score in rows)
    else:
        parts = [with_numbers(part, found, items, f"{key}/{name}") for name, part in _parts(value)]
        if is_dataclass(value) and not isinstance(value, type):
            value = replace(value, **dict(zip((one.name for one in fields(value)), parts, strict=True)))
        elif isinstance(value, Mapping):
            value = dict(zip(value, parts, strict=True))
        elif isinstance(value, tuple):
            value = tuple(parts)
    return cast(T, value)


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    """The arrays and top lists in answers with their keys, and the names in mappings, which may be users."""
    if isinstance(value, np.ndarray) or _is_list(value):
        yield key, value
        return
    if isinstance(value, Mapping):
        yield from ((f"{key}/{number}/name", str(name)) for number, name in enumerate(value))
    for name, part in _parts(value):
        yield from _leaves(part, f"{key}/{name}")


def _parts(value: Any) -> list[tuple[str, Any]]:
    """The parts of answers in their order; those of a mapping by number, since its names may be users."""
    if is_dataclass(value):
        return [(one.name, getattr(value, one.name)) for one in fields(value)]
    if isinstance(value, Mapping | tuple):
        parts = value.values() if isinstance(value, Mapping) else value
        return [(str(number), part) for number, part in enumerate(parts)]
    return []


def _is_list(value: Any) -> bool:
    """Whether a value is a top list of recommendations."""
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], Recommendation)
