"""Benchmark of the cost of attribution: time, extra peak memory and FLOPs against a theoretical minimum.

    python benchmarks/circuit.py        writes benchmarks/circuit.md; about 15 minutes on two cores

The minimum is the work that every integrated-gradients method must do: m + 1 forward and m backward passes of the same
model, without gradients of weights or embedding tables, and with only two rows of the output embedding. Attribution and
minimum are timed in turn at each size. On a machine with a GPU, a model of the size of Llama 8B is measured too.
"""

import argparse
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.circuit.attribution import attribute_pairs  # noqa: E402
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, PromptPair, batches  # noqa: E402
from core.models.families import anatomy  # noqa: E402

STEPS, THREADS, PAIRS, PEAKS = 5, 2, 11, 3
MEBI = 2**20
# layers, width, heads, tokens, examples, batch
GPT2_SMALL = {"layers": 12, "width": 768, "heads": 12, "tokens": 64, "examples": 10, "batch": 5}
SMALL = {"layers": 4, "width": 256, "heads": 8, "tokens": 64, "examples": 16, "batch": 8}
GROWTH = {
    "layers": (2, 4, 8, 16),
    "width": (128, 256, 512, 1024),
    "heads": (4, 8, 16, 32),
    "tokens": (64, 128, 256, 512),
}
EXAMPLES = (100, 200, 500, 1000, 2000)
TINY = {"layers": 2, "width": 64, "heads": 4, "tokens": 64, "batch": 20}
LLAMA_8B = LlamaConfig(
    vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
    num_key_value_heads=8, max_position_embeddings=8192,
)  # fmt: skip
BF16_PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense FLOP/s, from the data sheets


def gpt2(layers: int, width: int, heads: int, **_: int) -> nn.Module:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(GPT2Config(n_layer=layers, n_embd=width, n_head=heads)).eval()


def random_pairs(tokens: int, examples: int, **_: int) -> list[PromptPair]:
    """Random prompt pairs that differ in every token but the first: the most work that a pair can cause."""
    torch.manual_seed(1)
    pairs = []
    for number in range(examples):
        clean, corrupted = torch.randint(1000, 50000, (2, tokens))
        corrupted[0] = clean[0]
        ids = tuple(clean.tolist()), tuple(corrupted.tolist())
        pairs.append(PromptPair(*ids, 403, 411, "random", ((1, tokens),), prompt=number))
    return pairs


def minimum(model: nn.Module, pairs: list[PromptPair], batch_size: int) -> None:
    """Run the m + 1 forward and m backward passes of the minimum."""
    for _, batch in batches(anatomy(model), pairs, batch_size):
        clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
        with torch.no_grad():
            batch.metric(corrupted)
        for step in range(STEPS):
            point = torch.lerp(corrupted, clean, (step + 0.5) / STEPS).requires_grad_()
            torch.autograd.grad(batch.metric(point).sum(), point)


def attribution(model: nn.Module, pairs: list[PromptPair], batch_size: int) -> None:
    attribute_pairs(model, pairs, STEPS, batch_size=batch_size)


WORK = {"minimum": minimum, "attribution": attribution}


def seconds(function: Callable, *arguments: Any) -> float:
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def paired_seconds(model: nn.Module, pairs: list[PromptPair], batch_size: int, count: int) -> np.ndarray:
    """Seconds of the minimum and of attribution, [count, 2], measured in turn with alternating order."""
    attribution(model, pairs[:batch_size], batch_size)
    result = np.zeros((count, 2))
    for turn in range(count):
        for which in (0, 1) if turn % 2 else (1, 0):
            result[turn, which] = seconds((minimum, attribution)[which], model, pairs, batch_size)
    return result


def ratio(times: np.ndarray) -> tuple[float, float, float]:
    """Median of the ratios, attribution to minimum, with its 95 % bootstrap interval."""
    ratios = times[:, 1] / times[:, 0]
    draws = np.random.default_rng(0).choice(ratios, (10_000, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(np.median(ratios)), low, high


def flops(function: Callable, *arguments: Any) -> int:
    with FlopCounterMode(display=False) as counter:
        function(*arguments)
    return counter.get_total_flops()


def exponent(sizes: tuple[int, ...], times: list[float]) -> float:
    """Exponent of the power law that fits the times: slope of log time over log size."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


# ---------------------------------------------------------------- memory, each value measured in its own process


def memory_status(name: str) -> float:
    """One value of /proc/self/status in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def peak_in_this_process(which: str, size: dict[str, int]) -> float:
    """Peak resident memory above that of the loaded model, in MiB."""
    torch.set_num_threads(THREADS)
    model, pairs = gpt2(**size), random_pairs(**size)
    with torch.no_grad():
        model(input_ids=torch.zeros(1, 8, dtype=torch.long))
    before = memory_status("VmRSS")
    WORK[which](model, pairs, size["batch"])
    return memory_status("VmHWM") - before


def peak(which: str, size: dict[str, int]) -> float:
    options = [word for name, value in size.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, __file__, "--peak", which, *options]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


# ---------------------------------------------------------------- the report


def format_size(size: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in size.items())


def against_minimum() -> Iterator[str]:
    model, pairs, batch = gpt2(**GPT2_SMALL), random_pairs(**GPT2_SMALL), GPT2_SMALL["batch"]
    times = paired_seconds(model, pairs, batch, PAIRS)
    middle, low, high = ratio(times)
    work = flops(attribution, model, pairs, batch) / flops(minimum, model, pairs, batch)
    least, own = ([peak(which, GPT2_SMALL) for _ in range(PEAKS)] for which in WORK)
    yield from (
        "## Against the minimum, at the size of GPT-2 small",
        "",
        f"{format_size(GPT2_SMALL)}; {STEPS} gradients. Time: median ratio of {PAIRS} pairs with its 95 % "
        "bootstrap interval.",
        f"Memory: peak resident memory above that of the loaded model, minimum to maximum of {PEAKS} processes.",
        "",
        "| | minimum | attribution | ratio or difference |",
        "| --- | --- | --- | --- |",
        f"| seconds, median | {np.median(times[:, 0]):.2f} | {np.median(times[:, 1]):.2f} | {middle:.3f} "
        f"({low:.3f} to {high:.3f}) |",
        f"| FLOPs | 1 | {work:.3f} | {work:.3f} |",
        f"| extra peak, MiB | {min(least):.0f} to {max(least):.0f} | {min(own):.0f} to {max(own):.0f} "
        f"| {statistics.median(own) - statistics.median(least):+.0f} (medians) |",
        "",
    )


def growth() -> Iterator[str]:
    yield from ("## Growth", "", f"From {format_size(SMALL)}, with one size varied at a time; medians of 3 pairs.", "")
    yield from (
        "| size | values | seconds | ratio to the minimum | exponent, exponent of the minimum |",
        "| --- | --- | --- | --- | --- |",
    )
    for name, values in GROWTH.items():
        sizes = [SMALL | {name: value} for value in values]
        times = [
            np.median(paired_seconds(gpt2(**size), random_pairs(**size), size["batch"], 3), axis=0) for size in sizes
        ]
        least, own = (list(column) for column in zip(*times, strict=True))
        yield (
            f"| {name} | {', '.join(map(str, values))} | {', '.join(f'{one:.2f}' for one in own)} "
            f"| {', '.join(f'{one / other:.2f}' for one, other in zip(own, least, strict=True))} "
            f"| {exponent(values, own):.2f}, {exponent(values, least):.2f} |"
        )
    yield ""


def by_examples() -> Iterator[str]:
    """Time and memory by number of examples."""
    times = {count: [] for count in EXAMPLES}
    model = gpt2(**TINY)
    for _ in range(3):
        for count in EXAMPLES:
            times[count].append(seconds(attribution, model, random_pairs(examples=count, **TINY), TINY["batch"]))
    middle = [statistics.median(times[count]) for count in EXAMPLES]
    peaks = [peak("attribution", TINY | {"examples": count}) for count in EXAMPLES]
    yield from (
        "## Examples",
        "",
        f"{format_size(TINY)}; medians of 3. Seconds grow as the number of examples to the power of "
        f"{exponent(EXAMPLES, middle):.3f}.",
        "",
        "| examples | seconds | extra peak, MiB |",
        "| --- | --- | --- |",
        *(f"| {n} | {took:.2f} | {most:.0f} |" for n, took, most in zip(EXAMPLES, middle, peaks, strict=True)),
        "",
    )


def on_gpu(config: LlamaConfig = LLAMA_8B, prompts: int = 64, tokens: int = 512, batch: int = 8) -> Iterator[str]:
    """A model of the size of Llama 8B with random weights in bfloat16."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval().requires_grad_(False)
    pairs = random_pairs(tokens, prompts)
    weights = sum(p.numel() for p in model.parameters()) - 2 * config.vocab_size * config.hidden_size
    least = (2 * STEPS + 1) * 2 * weights * prompts * tokens
    times = [
        seconds(lambda: attribute_pairs(model, pairs, STEPS, batch_size=batch, memory_budget_mib=2048))
        for _ in range(3)
    ]
    took = statistics.median(times)
    speed = next((flops for name, flops in BF16_PEAK.items() if name in device), math.nan)
    memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else math.nan
    yield from (
        "## Llama 8B on a GPU, with random weights",
        "",
        f"{device}, {prompts} prompts of {tokens} tokens, batch {batch}, bfloat16, median of 3: {took:.1f} s, "
        f"{memory:.1f} GiB at most. The {least:.2e} FLOPs of the minimum in this time are {least / took / speed:.1%} of "
        "the GPU's peak.",
        "",
    )


def main() -> None:
    torch.set_num_threads(THREADS)
    transformers.logging.set_verbosity_error()
    lines = [
        "# Cost of attribution against its minimum",
        "",
        "Written by `python benchmarks/circuit.py`. The minimum: m + 1 forward and m backward passes of the same model,",
        "without weight gradients and with only two rows of the output embedding. Random weights: seed 0; random tokens: "
        "seed 1.",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {THREADS} threads, float32, "
        f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}.",
        "",
        *against_minimum(),
        *growth(),
        *by_examples(),
        *(on_gpu() if torch.cuda.is_available() else ("Llama 8B was not measured: this machine has no GPU.",)),
    ]
    (ROOT / "benchmarks/circuit.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peak", choices=list(WORK))
    for name in GPT2_SMALL:
        parser.add_argument(f"--{name}", type=int)
    options = vars(parser.parse_args())
    which = options.pop("peak")
    if which:
        print(peak_in_this_process(which, options))
    else:
        main()
