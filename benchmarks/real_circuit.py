"""Attribution on a pretrained LLM against exact patching: the strongest modules of SmolLM2-135M, one by one.

    python benchmarks/real_circuit.py        writes benchmarks/real_circuit.md; about 10 minutes on one core

Needs the base: python -m core base fetch smollm2-135m. The model is the demo world's on SmolLM2 (300 modules), the prompts are of
the forget set of its largest request. Patching all 300 modules would take hours, so the TOP strongest by score are patched, and
as many drawn at random from the rest.
"""

import platform
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
import torch
import transformers
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.faithfulness import spearman  # noqa: E402
from core.circuit.attribution import attribute_pairs  # noqa: E402
from core.circuit.extraction import with_gap  # noqa: E402
from core.circuit.patching import module_effects  # noqa: E402
from core.circuit.prompt_pairs import PromptPair  # noqa: E402
from core.models.families import anatomy  # noqa: E402
from core.models.recommender import Recommender  # noqa: E402
from core.pipeline.circuit_stage import make_prompt_pairs  # noqa: E402
from core.pipeline.context import load_adapter, make_context  # noqa: E402
from core.workspace import Workspace  # noqa: E402

PROMPTS, TOP, BATCH, DRAWS = 16, 30, 4, 2000
RULES = {
    "midpoint, 5 gradients": ("midpoint", 5),
    "left, 5 gradients": ("left", 5),
    "clean point (EAP), 1": ("clean", 1),
}
TARGET = Path(__file__).with_suffix(".md")


def sample(workspace: Workspace) -> tuple[Recommender, list[PromptPair]]:
    """The original model, and prompt pairs of the forget set of the request with the most people."""
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    request = max(workspace.requests(), key=lambda one: len(one.users))
    context = make_context(workspace, request, recommender.tokenizer)
    pairs = make_prompt_pairs(recommender, context, context.split.forget, 0, 2 * PROMPTS)
    return recommender, with_gap(anatomy(recommender.model), pairs, BATCH)[:PROMPTS]


def timed(work: Callable[[], Tensor]) -> tuple[Tensor, float]:
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def agreement(scores: Tensor, exact: Tensor) -> str:
    """Spearman of mean scores with mean exact effects, with a bootstrap interval over prompts; both are [n, modules]."""
    rows = np.random.default_rng(0).integers(len(scores), size=(DRAWS, len(scores)))
    value, *draws = (spearman(scores[some].mean(0), exact[some].mean(0)) for some in (slice(None), *rows))
    low, high = np.quantile(draws, [0.025, 0.975])
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"


def table(recommender: Recommender, pairs: Sequence[PromptPair]) -> Iterator[str]:
    """One line for each attribution rule, and one for exact patching."""
    modules = anatomy(recommender.model).modules
    found = {}
    for title, (rule, steps) in RULES.items():
        found[title] = timed(lambda r=rule, s=steps: attribute_pairs(recommender.model, pairs, s, r, BATCH).nodes)
        print(title, f"{found[title][1]:.0f} s", flush=True)
    first = next(iter(found.values()))[0].mean(0).abs()
    top = first.topk(TOP).indices.tolist()
    others = random.Random(0).sample(sorted(set(range(len(modules))) - {*top}), TOP)
    exact, seconds = timed(
        lambda: module_effects(recommender.model, pairs, [modules[one] for one in (*top, *others)], BATCH)
    )
    print(f"exact patching {seconds:.0f} s", flush=True)
    yield "| scores | strongest, Spearman | same sign | strongest and random, Spearman | seconds |"
    yield "| --- | --- | --- | --- | --- |"
    for title, (scores, spent) in found.items():
        same = (scores[:, top].mean(0).sign() == exact[:, :TOP].mean(0).sign()).sum().item()
        both = agreement(scores[:, [*top, *others]], exact)
        yield f"| {title} | {agreement(scores[:, top], exact[:, :TOP])} | {same} of {TOP} | {both} | {spent:.0f} |"
    halves = spearman(exact[::2, :TOP].mean(0), exact[1::2, :TOP].mean(0))
    both = spearman(exact[::2].mean(0), exact[1::2].mean(0))
    yield f"| exact, one half of the prompts with the other | {halves:.3f} | | {both:.3f} | {seconds:.0f} |"
    effects = exact.mean(0).abs()
    yield ""
    yield (
        f"Mean absolute effect of the strongest {TOP}: {effects[:TOP].mean():.3f} logits; of {TOP} random others: "
        f"{effects[TOP:].mean():.3f}."
    )


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    recommender, pairs = sample(Workspace(ROOT / "assets/demo-smollm2"))
    lines = [
        "# Attribution on SmolLM2 against exact patching", "",
        f"`python benchmarks/real_circuit.py`. {len(pairs)} prompts of the forget set (seed 0), "
        f"{median(len(one.ids) for one in pairs):.0f} tokens in the median; "
        f"{len(anatomy(recommender.model).modules)} modules. Strongest: the {TOP} modules with the largest absolute scores by the "
        f"first rule; random: {TOP} of the others. Spearman between mean scores and mean exact effects, with bootstrap intervals "
        "over prompts. Seconds: attribution scores all modules and edges, patching only those "
        f"{2 * TOP} modules. {platform.machine()}, 1 thread, float32, Python {platform.python_version()}, torch "
        f"{torch.__version__}, transformers {transformers.__version__}.", "",
        *table(recommender, pairs), "",
    ]  # fmt: skip
    TARGET.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
