"""Circuit extraction (docs/method.md, section 2): from prompt pairs to the smallest faithful set of modules.

1. Drop the pairs whose evidence does not speak for the right answer (`with_gap`).
2. Score every edge and module by attribution patching (`attribution.attribute_pairs`) and average over the prompts.
3. Rank the modules by absolute score. Measure the faithfulness of prefixes of that ranking, each beside random circuits
   of the same size, and keep the shortest faithful prefix.
4. Draw the bootstrap over prompts: how probable each module's membership is with other prompts of the same kind.

The score matrices of the forget and the retain set are stored as safetensors (`save`, `load`).
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes
from torch import nn

from core.circuit.attribution import ATTRIBUTION_RULES, Attribution, attribute_pairs
from core.circuit.bootstrap import BootstrapSample, by_prompt, draw_sample, overlap
from core.circuit.graph import strongest
from core.circuit.hooks import metrics
from core.circuit.patching import run_module_circuits
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, PromptPair
from core.errors import RunError, WorkspaceError
from core.models.families import Anatomy, anatomy
from core.types import Circuit, CurvePoint
from core.utils.atomic_io import write_bytes
from core.utils.serialization import read_file

SMALL_GAP = 0.1  # share of the median |M(full) - M(empty)|; a pair below it carries no information on faithfulness


@dataclass(frozen=True, slots=True)
class ExtractionSettings:
    """Settings of the extraction of one circuit.

    Attributes:
        steps: Points of the attribution; see `attribution.ATTRIBUTION_RULES`.
        rule: Key of `attribution.ATTRIBUTION_RULES`: where the points lie.
        threshold: Faithfulness that the circuit must reach, between 0 and 1.
        batch_size: Prompt pairs in a batch.
        edges: Edges that are kept for drawing.
        sizes: Points of the curve of faithfulness over circuit size.
        draws: Random circuits at each point of the curve.
        memory_budget_mib: Largest size of temporary tensors, in MiB.
        seed: Seed of the random circuits and of the halves for `Circuit.overlap`.
        bootstrap_seed: Seed of the bootstrap over prompts; see `bootstrap.bootstrap_seeds`.
    """

    steps: int = 5
    rule: str = "midpoint"
    threshold: float = 0.85
    batch_size: int = 16
    edges: int = 400
    sizes: int = 12
    draws: int = 2
    memory_budget_mib: int = 64
    seed: int = 0
    bootstrap_seed: int = 0

    def __post_init__(self) -> None:
        """Raise RunError for a setting that cannot be used."""
        for name in ("steps", "batch_size", "edges", "sizes", "draws", "memory_budget_mib"):
            if getattr(self, name) < 1:
                raise RunError(f"Circuit setting {name} is {getattr(self, name)}: choose 1 or more.")
        if self.rule not in ATTRIBUTION_RULES:
            raise RunError(f"Circuit setting rule is {self.rule!r}: choose one of {', '.join(ATTRIBUTION_RULES)}.")
        if not 0 < self.threshold < 1:
            raise RunError(f"Circuit setting threshold is {self.threshold}: choose a number between 0 and 1.")


@dataclass(frozen=True)
class ExtractedCircuit:
    """The circuit of one set of prompts, with the numbers behind it.

    Attributes:
        circuit: The circuit.
        scores: Scores of all edges and modules over the pairs that were used; `nodes` by prompt.
        sample: Bootstrap draws over the prompts.
    """

    circuit: Circuit
    scores: Attribution
    sample: BootstrapSample


@dataclass(frozen=True)
class CircuitResult:
    """Result of the circuit stage: the circuits of the forget set and of the retain set."""

    forget: ExtractedCircuit
    retain: ExtractedCircuit

    @property
    def circuits(self) -> tuple[Circuit, Circuit]:
        """The circuits of the forget set and of the retain set."""
        return self.forget.circuit, self.retain.circuit

    @property
    def scores(self) -> tuple[Attribution, Attribution]:
        """The scores of the forget set and of the retain set."""
        return self.forget.scores, self.retain.scores

    @property
    def samples(self) -> tuple[BootstrapSample, BootstrapSample]:
        """The bootstrap samples of the forget set and of the retain set."""
        return self.forget.sample, self.retain.sample


def extract(
    model: nn.Module,
    pairs: Sequence[PromptPair],
    settings: ExtractionSettings = ExtractionSettings(),
    progress: Callable[[float], None] = lambda _share: None,
) -> ExtractedCircuit:
    """Extract the circuit of a set of prompt pairs.

    Args:
        model: A plain model, or one with a live LoRA adapter; it is left unchanged.
        pairs: Prompts with and without their evidence.
        settings: Settings of the extraction.
        progress: Receives the share done, from 0 to 1; it may raise to stop the extraction.

    Raises:
        RunError: No pair can be used.
    """
    parts = anatomy(model)
    used = with_gap(parts, pairs, settings.batch_size)
    scores = attribute_pairs(
        model, used, settings.steps, settings.rule, settings.batch_size, settings.memory_budget_mib,
        progress=lambda share: progress(share / 2),
    )  # fmt: skip
    scores = replace(scores, nodes=by_prompt(scores, used))
    means = scores.nodes.mean(0)
    ranking = [parts.modules[i] for i in torch.argsort(means.abs(), descending=True, stable=True).tolist()]

    def faithfulness(circuits: Sequence[Collection[str]]) -> list[float]:
        """F(C) = (M(C) - M(empty)) / (M(full) - M(empty)) of each circuit; M is the mean metric over pairs."""
        metric = run_module_circuits(model, used, circuits, settings.batch_size)
        gap = (scores.clean - scores.corrupted).mean()
        return ((metric - scores.corrupted).mean(1) / gap).tolist()

    curve, chosen, reached = _cut(faithfulness, ranking, settings, lambda share: progress((1 + share) / 2))
    sample = draw_sample(scores.nodes, len(chosen), settings.bootstrap_seed)
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
        dropped=len(pairs) - len(used),
        pairs_by_strategy=dict(Counter(pair.strategy for pair in used)),
        membership_probability=sample.membership_probability,
        overlap=overlap(scores.nodes, len(chosen), settings.seed),
        reads=tuple(map(tuple, scores.reads.tolist())),
    )
    return ExtractedCircuit(circuit, scores, sample)


def with_gap(parts: Anatomy, pairs: Sequence[PromptPair], batch_size: int) -> list[PromptPair]:
    """Keep the pairs whose evidence speaks for the right answer.

    With the others, the effects of the circuit on different prompts would cancel out, and faithfulness would be divided
    by a gap near zero.

    Raises:
        RunError: No pair is left.
    """
    if not pairs:
        raise RunError("There are no counterfactual prompts: choose a request whose users have a history.")
    gaps = metrics(parts, pairs, batch_size, CLEAN) - metrics(parts, pairs, batch_size, CORRUPTED)
    large = (gaps > 0) & (gaps >= SMALL_GAP * gaps.abs().median())
    used = [pair for pair, kept in zip(pairs, large, strict=True) if kept]
    if not used:
        raise RunError(
            f"In none of the {len(pairs)} prompt pairs does the evidence speak for the right answer: use other prompts."
        )
    return used


def _cut(
    faithfulness: Callable[[Sequence[Collection[str]]], list[float]],
    ranking: Sequence[str],
    settings: ExtractionSettings,
    progress: Callable[[float], None],
) -> tuple[tuple[CurvePoint, ...], tuple[str, ...], float]:
    """Return the curve over prefixes of `ranking`, the shortest faithful prefix, and its faithfulness.

    Faithfulness need not grow with size. The prefix is faithful; the prefix with one module less is not, and nor is any
    shorter prefix on the curve.
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


def save(path: Path, forget: Attribution, retain: Attribution) -> bytes:
    """Write the score matrices of both sets as safetensors; the file appears whole or not at all.

    Returns:
        What was written, for its digest.

    Raises:
        WorkspaceError: The disk refuses the write.
    """
    tensors = {
        f"{name}.{field.name}": getattr(scores, field.name).contiguous()
        for name, scores in (("forget", forget), ("retain", retain))
        for field in fields(Attribution)
    }
    content = to_bytes(tensors)
    write_bytes(path, content)
    return content


def load(path: Path, read: Callable[[Path], bytes] = read_file) -> tuple[Attribution, Attribution]:
    """Read the scores of the forget set and of the retain set that `save` wrote.

    Args:
        path: The file.
        read: Reads a file.

    Raises:
        WorkspaceError: The file is missing or damaged.
    """
    try:
        tensors = from_bytes(read(path))
    except SafetensorError as error:
        raise WorkspaceError(f"{path} cannot be read ({error}): run the circuit stage again.") from error
    forget, retain = (
        Attribution(**{field.name: tensors[f"{name}.{field.name}"] for field in fields(Attribution)})
        for name in ("forget", "retain")
    )
    return forget, retain
