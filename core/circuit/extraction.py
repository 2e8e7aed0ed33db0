"""Contrast prompts to a circuit: rank the modules, and keep the shortest prefix that is faithful (method section 2)."""

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import nn

from core.circuit.attribution import RULES, Attribution, attribute
from core.circuit.bootstrap import by_prompt, members, overlap, resampled
from core.circuit.graph import strongest
from core.circuit.hooks import CLEAN, CORRUPTED, Contrast, metrics
from core.circuit.patching import patched_modules
from core.errors import RunError, WorkspaceError
from core.models.families import Anatomy, anatomy
from core.types import Circuit, CurvePoint
from core.utils.atomic_io import disk_error

SMALL_GAP = 0.1  # of the median |M(full) - M(empty)|; an example with less says nothing about faithfulness


@dataclass(frozen=True, slots=True)
class Settings:
    """How a circuit is extracted.

    steps, rule: points of the attribution and how they lie (`attribution.RULES`). threshold: faithfulness asked
    for. edges: how many are kept for drawing. sizes: points of the curve. draws: random circuits a point.
    """

    steps: int = 5
    rule: str = "midpoint"
    threshold: float = 0.85
    batch_size: int = 16
    edges: int = 400
    sizes: int = 12
    draws: int = 2
    memory: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "edges", "sizes", "draws", "memory"):
            if getattr(self, name) < 1:
                raise RunError(f"Circuit setting {name} is {getattr(self, name)}: choose 1 or more.")
        if self.rule not in RULES:
            raise RunError(f"Circuit setting rule is {self.rule!r}: choose one of {', '.join(RULES)}.")
        if not 0 < self.threshold < 1:
            raise RunError(f"Circuit setting threshold is {self.threshold}: choose a number between 0 and 1.")


def extract(
    model: nn.Module,
    contrasts: Sequence[Contrast],
    settings: Settings = Settings(),
    progress: Callable[[float], None] = lambda done: None,
) -> tuple[Circuit, Attribution]:
    """The circuit of a set of contrasts, and the scores it was cut from (of the contrasts that were used, nodes by prompt).

    progress: hears the share done, and may raise to stop.
    Raises RunError where no contrast can be used.
    """
    parts = anatomy(model)
    used = with_gap(parts, contrasts, settings.batch_size)
    scores = attribute(
        model, used, settings.steps, settings.rule, settings.batch_size, settings.memory,
        progress=lambda done: progress(done / 2),
    )  # fmt: skip
    scores = replace(scores, nodes=by_prompt(scores, used))
    means = scores.nodes.mean(0)
    ranking = [parts.modules[i] for i in torch.argsort(means.abs(), descending=True, stable=True).tolist()]

    def faithfulness(circuits: Sequence[Collection[str]]) -> list[float]:
        """F(C) = (M(C) - M(empty)) / (M(full) - M(empty)) of each circuit, M being means over prompts."""
        metric = patched_modules(model, used, circuits, settings.batch_size)
        gap = (scores.clean - scores.corrupted).mean()
        return ((metric - scores.corrupted).mean(1) / gap).tolist()

    curve, chosen, reached = _cut(faithfulness, ranking, settings, lambda done: progress((1 + done) / 2))
    circuit = Circuit(
        modules=parts.modules,
        scores=tuple(means.tolist()),
        members=chosen,
        edges=strongest(parts, scores.edges, settings.edges),
        curve=curve,
        faithfulness=reached,
        threshold=settings.threshold,
        clean=scores.clean.mean().item(),
        corrupted=scores.corrupted.mean().item(),
        prompts=len(used),
        dropped=len(contrasts) - len(used),
        contrast=dict(Counter(contrast.way for contrast in used)),
        membership_probability=tuple(
            members(resampled(scores.nodes, settings.seed), len(chosen)).double().mean(0).tolist()
        ),
        overlap=overlap(scores.nodes, len(chosen), settings.seed),
        reads=tuple(map(tuple, scores.reads.tolist())),
    )
    return circuit, scores


def with_gap(parts: Anatomy, contrasts: Sequence[Contrast], batch_size: int) -> list[Contrast]:
    """The contrasts whose evidence speaks for the right answer. With the others, what the circuit does for one prompt
    would cancel what it does against another, and faithfulness would be divided by next to nothing."""
    if not contrasts:
        raise RunError("There are no contrast prompts: choose a request whose users have a history.")
    gaps = metrics(parts, contrasts, batch_size, CLEAN) - metrics(parts, contrasts, batch_size, CORRUPTED)
    large = (gaps > 0) & (gaps >= SMALL_GAP * gaps.abs().median())
    used = [contrast for contrast, kept in zip(contrasts, large, strict=True) if kept]
    if not used:
        raise RunError(
            f"In none of the {len(contrasts)} contrast prompts does the evidence speak for the right answer: use other prompts."
        )
    return used


def _cut(
    faithfulness: Callable[[Sequence[Collection[str]]], list[float]],
    ranking: Sequence[str],
    settings: Settings,
    progress: Callable[[float], None],
) -> tuple[tuple[CurvePoint, ...], tuple[str, ...], float]:
    """The curve over prefixes of `ranking`, the shortest faithful prefix, and its faithfulness.

    Faithfulness need not grow with size: what holds is that this prefix is faithful, one module less is not,
    and nor is any shorter prefix on the curve.
    """
    sizes = sorted({round(size) for size in np.geomspace(1, len(ranking), settings.sizes)})
    random, curve = np.random.default_rng(settings.seed), []
    for done, size in enumerate(sizes, start=1):
        draws = [random.choice(ranking, size, replace=False) for _ in range(settings.draws)]
        own, *others = faithfulness([ranking[:size], *draws])
        curve.append(CurvePoint(size, own, fmean(others)))
        progress(done / len(sizes))
    high, reached = next((p.modules, p.faithfulness) for p in curve if p.faithfulness >= settings.threshold)
    low = max((size for size in sizes if size < high), default=0)
    while high - low > 1:
        middle = (low + high) // 2
        (value,) = faithfulness([ranking[:middle]])
        if value >= settings.threshold:
            high, reached = middle, value
        else:
            low = middle
    return tuple(curve), tuple(ranking[:high]), reached


def save(path: Path, forget: Attribution, retain: Attribution) -> None:
    """Write the full score matrices of both sets as safetensors, whole or not at all. Raises WorkspaceError."""
    tensors = {
        f"{name}.{field.name}": getattr(scores, field.name).contiguous()
        for name, scores in (("forget", forget), ("retain", retain))
        for field in fields(Attribution)
    }
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(to_bytes(tensors))
        part.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def load(path: Path) -> tuple[Attribution, Attribution]:
    """(forget, retain) as `save` wrote them. Raises WorkspaceError."""
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise WorkspaceError(f"{path} cannot be read ({error}): run the circuit stage again.") from error
    forget, retain = (
        Attribution(**{field.name: tensors[f"{name}.{field.name}"] for field in fields(Attribution)})
        for name in ("forget", "retain")
    )
    return forget, retain
