"""Benchmark of circuits: CPR and CMD against random circuits, Spearman with exact patching, and stability.

    python benchmarks/faithfulness.py [WORKSPACE ...]    writes benchmarks/faithfulness.md; 10 minutes on one core

Without a workspace, the demo world is used. The prompts are those of the forget set and the retain set of the
workspace's first request. Even prompts rank the edges; odd prompts measure CPR and CMD.
"""

import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import scipy
import torch
import transformers
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.mib import cmd, cpr, metrics_by_share  # noqa: E402
from core.circuit.attribution import attribute_pairs  # noqa: E402
from core.circuit.bootstrap import by_prompt, jaccard, overlap, strongest_modules  # noqa: E402
from core.circuit.extraction import with_gap  # noqa: E402
from core.circuit.patching import module_effects  # noqa: E402
from core.circuit.prompt_pairs import PromptPair  # noqa: E402
from core.models.families import anatomy  # noqa: E402
from core.models.recommender import Recommender  # noqa: E402
from core.pipeline.circuit_stage import make_prompt_pairs  # noqa: E402
from core.pipeline.context import RequestContext, load_adapter, make_context  # noqa: E402
from core.workspace import Workspace  # noqa: E402

PROMPTS, BATCH, RANDOM, DRAWS, SEEDS = 96, 16, 10, 2000, range(4)
RULES = {
    "midpoint, 5 gradients": ("midpoint", 5), "midpoint, 20": ("midpoint", 20), "left, 5": ("left", 5),
    "clean point (EAP), 1": ("clean", 1), "frozen norms, 1": ("frozen", 1), "conductance, 5": ("conductance", 5),
    "conductance, 20": ("conductance", 20),
}  # fmt: skip
INSTRUCTION = "This viewer saw the films below and said of each whether it was liked."
Sample = Callable[[int, bool], list[PromptPair]]  # by seed, and whether prompts start with INSTRUCTION


def samples(folder: Path) -> Iterator[tuple[str, Recommender, Sample]]:
    """Forget set and retain set of a workspace's first request, each with a function that samples prompt pairs by seed."""
    workspace, reworded = Workspace(folder), Workspace(folder)
    reworded.template = replace(workspace.template, instruction=INSTRUCTION)
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    request = workspace.requests()[0]
    contexts = [make_context(one, request, recommender.tokenizer) for one in (workspace, reworded)]
    for name in ("forget", "retain"):
        yield f"{folder.name}, {name} set", recommender, sampler(recommender, contexts, name)


def sampler(recommender: Recommender, contexts: Sequence[RequestContext], name: str) -> Sample:
    """Function that samples prompt pairs of one set in one of two contexts, which differ in their instruction."""

    def sample(seed: int, reworded: bool) -> list[PromptPair]:
        context = contexts[reworded]
        pairs = make_prompt_pairs(recommender, context, getattr(context.split, name), seed, PROMPTS)
        return with_gap(anatomy(recommender.model), pairs, BATCH)

    return sample


def areas(name: str, recommender: Recommender, sample: Sample) -> Iterator[str]:
    """Rows with CPR and CMD of attribution, of random rankings, and their difference."""
    pairs = sample(0, False)
    scored, measured = pairs[::2], pairs[1::2]
    scores = attribute_pairs(recommender.model, scored, batch_size=BATCH)
    sides = attribute_pairs(recommender.model, measured, 1, "clean", BATCH)
    generator = torch.Generator().manual_seed(0)
    draws = [torch.rand(scores.edges.shape, generator=generator) for _ in range(RANDOM)]
    random = [metrics_by_share(recommender.model, measured, draw, True, BATCH) for draw in draws]
    for measure, absolute in ((cpr, False), (cmd, True)):
        own = metrics_by_share(recommender.model, measured, scores.edges, absolute, BATCH)
        cells = compared(
            lambda metric, rows, measure=measure: measure(metric[:, rows], sides.clean[rows], sides.corrupted[rows]),
            own,
            random,
        )
        yield f"| {name} | {measure.__name__.upper()} | {len(scored)}, {len(measured)} | {' | '.join(cells)} |"


def compared(measure: Callable[[Tensor, Tensor], float], own: Tensor, random: list[Tensor]) -> list[str]:
    """Measure of the own circuits, its mean over the random circuits, and the difference, with intervals over prompts.

    A metric has the shape [k, n]: circuit sizes and prompts.
    """

    def values(rows: Tensor) -> np.ndarray:
        value, others = measure(own, rows), np.mean([measure(metric, rows) for metric in random])
        return np.array([value, others, value - others])

    n, generator = own.shape[1], torch.Generator().manual_seed(0)
    draws = np.array([values(torch.randint(n, (n,), generator=generator)) for _ in range(DRAWS)])
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return [f"{m:.3f} [{a:.3f}, {b:.3f}]" for m, a, b in zip(values(torch.arange(n)), low, high, strict=True)]


def agreement(name: str, recommender: Recommender, sample: Sample) -> Iterator[str]:
    """Rows with the correlation of mean node scores and exact patching, one for each attribution rule."""
    pairs = sample(0, False)
    modules = anatomy(recommender.model).modules
    exact = module_effects(recommender.model, pairs, modules, BATCH)
    rows = torch.randint(len(pairs), (200, len(pairs)), generator=torch.Generator().manual_seed(0))
    truth, halves = exact.mean(0), spearman(exact[::2].mean(0), exact[1::2].mean(0))
    strong = truth.abs().topk(len(modules) // 3).indices
    for title, (rule, steps) in RULES.items():
        nodes = attribute_pairs(recommender.model, pairs, steps, rule, BATCH).nodes
        mean = nodes.mean(0)
        low, high = np.quantile([spearman(nodes[some].mean(0), exact[some].mean(0)) for some in rows], [0.025, 0.975])
        cells = (
            f"{spearman(mean, truth):.3f} [{low:.3f}, {high:.3f}]",
            f"{spearman(mean[strong], truth[strong]):.3f}",
            f"{scipy.stats.pearsonr(mean, truth).statistic:.3f}",
            f"{halves:.3f}",
        )
        yield f"| {name} | {title} | {len(pairs)} | {' | '.join(cells)} |"


def spearman(one: Tensor, other: Tensor) -> float:
    return scipy.stats.spearmanr(one, other).statistic


def stability(name: str, recommender: Recommender, sample: Sample) -> Iterator[str]:
    """Row with the Jaccard overlap of the strongest half of the modules between halves, seeds and instructions."""
    pairs = [sample(seed, False) for seed in SEEDS]
    nodes = [node_scores(recommender, some) for some in pairs]
    size = nodes[0].shape[1] // 2
    circuits = [strongest_modules(some.mean(0, keepdim=True), size)[0] for some in nodes]
    halves = [overlap(some, size, seed) for seed, some in enumerate(nodes)]
    seeds = [jaccard(*pair).item() for pair in combinations(circuits, 2)]
    others = [node_scores(recommender, sample(seed, True)).mean(0, keepdim=True) for seed in SEEDS]
    instructions = [jaccard(circuits[seed], strongest_modules(others[seed], size)[0]).item() for seed in SEEDS]
    cells = [
        f"{np.mean(values):.2f} ({min(values):.2f} to {max(values):.2f})" for values in (halves, seeds, instructions)
    ]
    yield f"| {name} | {size} of {nodes[0].shape[1]} | {len(pairs[0])} | {' | '.join(cells)} | {size / (2 * nodes[0].shape[1] - size):.2f} |"


def node_scores(recommender: Recommender, pairs: Sequence[PromptPair]) -> Tensor:
    return by_prompt(attribute_pairs(recommender.model, pairs, batch_size=BATCH), pairs)


def table(head: str, lines: Iterator[str]) -> Iterator[str]:
    yield from (head, "| --- " * (head.count("|") - 1) + "|", *lines, "")


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    folders = [Path(name).resolve() for name in sys.argv[1:]] or [ROOT / "assets/demo"]
    sets = [one for folder in folders for one in samples(folder)]
    lines = [
        "# Faithfulness of circuits",
        "",
        "Written by `python benchmarks/faithfulness.py WORKSPACE ...`; the workspaces are the demo world and MovieLens,",
        f"prepared as in the README. Each set has up to {PROMPTS} prompts, those whose evidence favours the right answer. "
        "Intervals",
        "are 95 % bootstrap intervals over prompts.",
        "",
        f"{platform.processor() or platform.machine()}, 1 thread, float32, Python {platform.python_version()}, "
        f"torch {torch.__version__}, transformers {transformers.__version__}.",
        "",
        "## Circuits of edges against random circuits of equal size",
        "",
        "CPR (larger is better) and CMD (smaller is better) of MIB, over ten circuit sizes. Edges are ranked on one half "
        "of the",
        f"prompts; circuits are measured on the other half. Random: the mean of {RANDOM} random rankings.",
        "",
        *table(
            "| set | measure | prompts for ranking, for measuring | attribution | random | difference |",
            (line for one in sets for line in areas(*one)),
        ),
        "## Node scores against exact patching of every module",
        "",
        "Scores and exact effects are means over prompts. Spearman: over all modules. Strongest third: Spearman over the "
        "third of",
        "the modules with the largest exact effects. Pearson: over all modules. Exact, split-half: Spearman of the exact "
        "effects",
        "on one half of the prompts with those on the other half. More gradients change little: the ranking is limited "
        "by weak",
        "modules, whose exact effects are smaller than their spread over prompts.",
        "",
        *table(
            "| set | gradients | n | Spearman | strongest third | Pearson | exact, split-half |",
            (line for one in sets for line in agreement(*one)),
        ),
        "## Stability",
        "",
        "Jaccard overlap of the strongest half of the modules: between two halves of the prompts (100 splits), between "
        "seeds of",
        f'the prompts and counterfactuals, and between two instructions (the second: "{INSTRUCTION}"). Mean and range over {len(SEEDS)} seeds.',
        "",
        *table(
            "| set | modules | n | halves | seeds | instructions | by chance |",
            (line for one in sets for line in stability(*one)),
        ),
    ]  # fmt: skip
    (ROOT / "benchmarks/faithfulness.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
