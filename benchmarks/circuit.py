"""Benchmark of attribution's cost: time, extra peak memory and FLOPs against a theoretical floor.

    python benchmarks/circuit.py        writes benchmarks/circuit.md; about fifteen minutes on two cores

The floor is the work that any integrated-gradients method must do: m + 1 forward and m backward passes of the same
model, without gradients of weights or embedding tables, and with two rows of the output embedding only. Each size
is timed side by side with its floor. If there is a GPU, a model of the size of an 8B Llama is measured on it too.
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

from core.circuit.attribution import attribute  # noqa: E402
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
BF16_PEAK = {"H100": 989e12, "H200": 989e12, "A100": 312e12}  # dense flops per second, from the makers' data sheets


def gpt2(layers: int, width: int, heads: int, **_: int) -> nn.Module:
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(GPT2Config(n_layer=layers, n_embd=width, n_head=heads)).eval()


def contrasts(tokens: int, examples: int, **_: int) -> list[PromptPair]:
    """Random prompts that differ everywhere but in their first token, which is the most work."""
    torch.manual_seed(1)
    made = []
    for number in range(examples):
        clean, corrupted = torch.randint(1000, 50000, (2, tokens))
        corrupted[0] = clean[0]
        pair = tuple(clean.tolist()), tuple(corrupted.tolist())
        made.append(PromptPair(*pair, 403, 411, "random", ((1, tokens),), prompt=number))
    return made


def floor(model: nn.Module, pairs: list[PromptPair], batch_size: int) -> None:
    """Run m + 1 forward and m backward passes."""
    for _, batch in batches(anatomy(model), pairs, batch_size):
        clean, corrupted = batch.embeddings(CLEAN), batch.embeddings(CORRUPTED)
        with torch.no_grad():
            batch.metric(corrupted)
        for step in range(STEPS):
            place = torch.lerp(corrupted, clean, (step + 0.5) / STEPS).requires_grad_()
            torch.autograd.grad(batch.metric(place).sum(), place)


def ours(model: nn.Module, pairs: list[PromptPair], batch_size: int) -> None:
    attribute(model, pairs, STEPS, batch_size=batch_size)


def seconds(function: Callable, *arguments: Any) -> float:
    begin = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - begin


def paired(model: nn.Module, pairs: list[PromptPair], batch_size: int, count: int) -> np.ndarray:
    """[count, 2] seconds of the floor and of attribution, by turns, the order changing."""
    ours(model, pairs[:batch_size], batch_size)
    result = np.zeros((count, 2))
    for turn in range(count):
        for which in (0, 1) if turn % 2 else (1, 0):
            result[turn, which] = seconds((floor, ours)[which], model, pairs, batch_size)
    return result


def ratio(times: np.ndarray) -> tuple[float, float, float]:
    """Median of the paired ratios with its 95 % bootstrap interval."""
    ratios = times[:, 1] / times[:, 0]
    draws = np.random.default_rng(0).choice(ratios, (10_000, len(ratios)))
    low, high = np.quantile(np.median(draws, axis=1), [0.025, 0.975])
    return float(np.median(ratios)), low, high


def flops(function: Callable, *arguments: Any) -> int:
    with FlopCounterMode(display=False) as counter:
        function(*arguments)
    return counter.get_total_flops()


def exponent(sizes: tuple[int, ...], times: list[float]) -> float:
    """Slope of log time over log size."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


# ---------------------------------------------------------------- memory, each figure in a process of its own


def status(name: str) -> float:
    """A line of /proc/self/status in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def peak_here(which: str, size: dict[str, int]) -> float:
    """MiB above what the loaded model takes."""
    torch.set_num_threads(THREADS)
    model, pairs = gpt2(**size), contrasts(**size)
    with torch.no_grad():
        model(input_ids=torch.zeros(1, 8, dtype=torch.long))
    before = status("VmRSS")
    {"floor": floor, "ours": ours}[which](model, pairs, size["batch"])
    return status("VmHWM") - before


def peak(which: str, size: dict[str, int]) -> float:
    words = [word for name, value in size.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, __file__, "--peak", which, *words]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


# ---------------------------------------------------------------- the report


def said(size: dict[str, int]) -> str:
    return ", ".join(f"{name} {value}" for name, value in size.items())


def against_floor() -> Iterator[str]:
    model, pairs, batch = gpt2(**GPT2_SMALL), contrasts(**GPT2_SMALL), GPT2_SMALL["batch"]
    times = paired(model, pairs, batch, PAIRS)
    middle, low, high = ratio(times)
    work = flops(ours, model, pairs, batch) / flops(floor, model, pairs, batch)
    base, all_in = ([peak(which, GPT2_SMALL) for _ in range(PEAKS)] for which in ("floor", "ours"))
    yield from (
        "## Against the floor, GPT-2-small's shape",
        "",
        f"{said(GPT2_SMALL)}; {STEPS} gradients. Time: {PAIRS} pairs, median of their ratios with its 95 % "
        "bootstrap interval.",
        f"Memory: resident peak above the loaded model, each of {PEAKS} in a process of its own, least to most.",
        "",
        "| | floor | attribution | ratio or difference |",
        "| --- | --- | --- | --- |",
        f"| seconds, median | {np.median(times[:, 0]):.2f} | {np.median(times[:, 1]):.2f} | {middle:.3f} "
        f"({low:.3f} to {high:.3f}) |",
        f"| flops | 1 | {work:.3f} | {work:.3f} |",
        f"| extra peak, MiB | {min(base):.0f} to {max(base):.0f} | {min(all_in):.0f} to {max(all_in):.0f} "
        f"| {statistics.median(all_in) - statistics.median(base):+.0f} (medians) |",
        "",
    )


def growth() -> Iterator[str]:
    yield from ("## Growth", "", f"From {said(SMALL)}, one size changed at a time; medians of 3 pairs.", "")
    yield from (
        "| size | values | seconds | ratio to the floor | exponent, floor's |",
        "| --- | --- | --- | --- | --- |",
    )
    for name, values in GROWTH.items():
        sizes = [SMALL | {name: value} for value in values]
        times = [np.median(paired(gpt2(**size), contrasts(**size), size["batch"], 3), axis=0) for size in sizes]
        least, mine = (list(column) for column in zip(*times, strict=True))
        yield (
            f"| {name} | {', '.join(map(str, values))} | {', '.join(f'{one:.2f}' for one in mine)} "
            f"| {', '.join(f'{one / other:.2f}' for one, other in zip(mine, least, strict=True))} "
            f"| {exponent(values, mine):.2f}, {exponent(values, least):.2f} |"
        )
    yield ""


def streams() -> Iterator[str]:
    """Time and memory over the number of examples."""
    times = {count: [] for count in EXAMPLES}
    model = gpt2(**TINY)
    for _ in range(3):
        for count in EXAMPLES:
            times[count].append(seconds(ours, model, contrasts(examples=count, **TINY), TINY["batch"]))
    middle = [statistics.median(times[count]) for count in EXAMPLES]
    peaks = [peak("ours", TINY | {"examples": count}) for count in EXAMPLES]
    yield from (
        "## Examples",
        "",
        f"{said(TINY)}; medians of 3. Seconds grow with the exponent {exponent(EXAMPLES, middle):.3f} of the "
        "number of examples.",
        "",
        "| examples | seconds | extra peak, MiB |",
        "| --- | --- | --- |",
        *(f"| {n} | {took:.2f} | {most:.0f} |" for n, took, most in zip(EXAMPLES, middle, peaks, strict=True)),
        "",
    )


def on_gpu(config: LlamaConfig = LLAMA_8B, prompts: int = 64, tokens: int = 512, batch: int = 8) -> Iterator[str]:
    """An 8B-shaped model with random weights in bfloat16."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).eval().requires_grad_(False)
    pairs = contrasts(tokens, prompts)
    weights = sum(p.numel() for p in model.parameters()) - 2 * config.vocab_size * config.hidden_size
    least = (2 * STEPS + 1) * 2 * weights * prompts * tokens
    times = [seconds(lambda: attribute(model, pairs, STEPS, batch_size=batch, memory=2048)) for _ in range(3)]
    took = statistics.median(times)
    speed = next((flops for name, flops in BF16_PEAK.items() if name in device), math.nan)
    memory = torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else math.nan
    yield from (
        "## An 8B-shaped Llama on a GPU",
        "",
        f"{device}, {prompts} prompts of {tokens} tokens, batch {batch}, bfloat16, median of 3: {took:.1f} s, "
        f"{memory:.1f} GiB at most, {least / took / speed:.1%} of the peak counted on the floor's {least:.2e} flops.",
        "",
    )


def main() -> None:
    torch.set_num_threads(THREADS)
    transformers.logging.set_verbosity_error()
    lines = [
        "# Attribution against its floor",
        "",
        "Written by `python benchmarks/circuit.py`. The floor: m + 1 forward and m backward passes of the same model,",
        "no weight gradients, two rows of the output embedding only. Random weights by seed 0, random tokens "
        "by seed 1.",
        "",
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {THREADS} threads, float32, "
        f"Python {platform.python_version()}, torch {torch.__version__}, transformers {transformers.__version__}.",
        "",
        *against_floor(),
        *growth(),
        *streams(),
        *(on_gpu() if torch.cuda.is_available() else ("No GPU was at hand for the 8B shape.",)),
    ]
    (ROOT / "benchmarks/circuit.md").write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peak", choices=("floor", "ours"))
    for name in GPT2_SMALL:
        parser.add_argument(f"--{name}", type=int)
    asked = vars(parser.parse_args())
    which = asked.pop("peak")
    if which:
        print(peak_here(which, asked))
    else:
        main()
