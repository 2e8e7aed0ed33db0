"""Benchmark of attribution scores: Spearman correlation with exact patching of one module at a time.

    python benchmarks/attribution.py        writes benchmarks/attribution.md; two to four minutes on one core

Each model samples its own prompts. A counterfactual prompt is the prompt with the middle third of another prompt. The
right answer is the most likely token after the prompt; the wrong answer is the most likely token after the
counterfactual prompt.
"""

import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import scipy
import torch
import transformers
from torch import nn
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.circuit.attribution import attribute_pairs  # noqa: E402
from core.circuit.patching import module_effects  # noqa: E402
from core.circuit.prompt_pairs import PromptPair  # noqa: E402
from core.models.families import anatomy  # noqa: E402

TRAINED = ROOT.parent / "shared/data/tinystories-260k"
SEEDS, PROMPTS, TOKENS, TOP = range(4), 32, 48, 20
RULES = {"midpoint, 5 steps": (5, "midpoint"), "left, 5 steps": (5, "left"), "clean point (EAP)": (1, "clean")}
SIZES = {
    "vocab_size": 512,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 5,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}
CONFIGS = {
    "Llama": LlamaConfig(**SIZES),
    "Mistral": MistralConfig(**SIZES),
    "Qwen2": Qwen2Config(**SIZES),
    "Qwen3": Qwen3Config(**SIZES, head_dim=8),
    "GPT-2": GPT2Config(
        vocab_size=512, n_embd=64, n_layer=5, n_head=8, bos_token_id=1, eos_token_id=None, pad_token_id=0
    ),
}


def models() -> Iterator[tuple[str, nn.Module]]:
    """The trained model, if it is on this machine, and a randomly initialised model of each family."""
    if TRAINED.is_dir():
        yield (
            "Llama, trained (tinystories-260k)",
            AutoModelForCausalLM.from_pretrained(TRAINED, trust_remote_code=False).eval(),
        )
    for family, config in CONFIGS.items():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config).eval()
        with torch.no_grad():  # with its small initial weights, a random model is almost linear
            for weight in model.parameters():
                weight.add_(0.1 * torch.randn_like(weight))
        yield f"{family}, random", model


@torch.no_grad()
def sample_pairs(model: nn.Module, seed: int) -> list[PromptPair]:
    """Up to PROMPTS pairs whose most likely next tokens differ."""
    torch.manual_seed(seed)
    start = torch.ones(4 * PROMPTS, 1, dtype=torch.long)
    ids = model.generate(start, do_sample=True, max_new_tokens=TOKENS - 1, min_new_tokens=TOKENS - 1, eos_token_id=None)
    third = slice(TOKENS // 3, 2 * TOKENS // 3)
    corrupted = ids.clone()
    corrupted[:, third] = ids.roll(1, 0)[:, third]
    right, wrong = (model(some).logits[:, -1].argmax(-1) for some in (ids, corrupted))
    rows = [row for row in range(len(ids)) if right[row] != wrong[row]][:PROMPTS]
    spans = ((third.start, third.stop),)
    return [
        PromptPair(
            tuple(ids[r].tolist()),
            tuple(corrupted[r].tolist()),
            int(right[r]),
            int(wrong[r]),
            "sampled",
            spans,
            prompt=r,
        )
        for r in rows
    ]


def agreement(scores: torch.Tensor, exact: torch.Tensor) -> tuple[float, float, float]:
    """Spearman correlation for the TOP scores by absolute value, with and without signs, and for all scores."""
    top = scores.abs().topk(TOP).indices
    pairs = (scores[top], exact[top]), (scores[top].abs(), exact[top].abs()), (scores, exact)
    return tuple(scipy.stats.spearmanr(*pair).statistic for pair in pairs)


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    begin = time.perf_counter()
    return function(*arguments), time.perf_counter() - begin


def rows() -> Iterator[str]:
    for name, model in models():
        samples = [sample_pairs(model, seed) for seed in SEEDS]
        truth = [timed(module_effects, model, pairs, anatomy(model).modules) for pairs in samples]
        for rule, (steps, where) in RULES.items():
            runs = [timed(attribute_pairs, model, pairs, steps, where) for pairs in samples]
            found = [
                agreement(run.nodes.mean(0), exact.mean(0)) for (run, _), (exact, _) in zip(runs, truth, strict=True)
            ]
            cells = [f"{fmean(values):.3f} (min {min(values):.3f})" for values in zip(*found, strict=True)]
            seconds = [f"{fmean(took for _, took in some):.1f}" for some in (runs, truth)]
            yield f"| {' | '.join([name, rule, str(min(map(len, samples))), *cells, *seconds])} |"


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    lines = [
        "# Attribution against exact patching",
        "",
        "Written by `python benchmarks/attribution.py`. Spearman correlation of node scores with the exact change of the metric",
        f"when only that module is corrupted; both are means over n prompts of {TOKENS} tokens. Top {TOP}: the {TOP} of 45",
        "modules with the largest absolute scores, with signs and by absolute value. All: all modules. Seconds: attribution",
        "of all nodes and edges. Patching, seconds: exact patching of all nodes. Each number is the mean over the seeds",
        f"{', '.join(map(str, SEEDS))} of the prompts, with the minimum in brackets.",
        "",
        f"{platform.processor() or platform.machine()}, 1 thread, float32, Python {platform.python_version()}, "
        f"torch {torch.__version__}, transformers {transformers.__version__}.",
        "",
        f"| model | gradients | n | top {TOP} | top {TOP}, absolute | all | seconds | patching, seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
        *rows(),
    ]
    (ROOT / "benchmarks/attribution.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
