"""Memory that encoded prompts take while a model is trained, in bytes a prompt and megabytes for a million rows.

    python benchmarks/prompt_memory.py [--rows 64000]    prints one line; half a minute, seed 0

The rows are made up: titles of the demo world, drawn alike, 160 rows a person, and prompts of 32 interactions.
"""

import argparse
import random
import tracemalloc
from pathlib import Path

from core.data.prompts import encode, escape
from core.data.splits import windows
from core.models.base_parts import load_tokenizer
from core.types import Interaction
from core.workspace import Workspace

DEMO = Path(__file__).parents[1] / "assets/demo"
ROWS_PER_PERSON, WINDOW = 160, 32


def main() -> None:
    """Print what the encoded prompts of made-up rows take, and the most that encoding them takes."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=64_000)
    rows, demo = parser.parse_args().rows, Workspace(DEMO)
    draw, tokenizer = random.Random(0), load_tokenizer(demo.base)
    titles = {item.id: escape(item.title) for item in demo.items.values()}
    events = [Interaction(f"u{n}", draw.choice(list(titles)), draw.random() < 0.5, n, 4.0) for n in range(rows)]
    people = (events[start : start + ROWS_PER_PERSON] for start in range(0, rows, ROWS_PER_PERSON))
    prompts = [prompt for own in people for prompt in windows(own, WINDOW)]
    tracemalloc.start()
    encoded = encode(prompts, titles, demo.template, tokenizer)
    kept, peak = (size / len(encoded) for size in tracemalloc.get_traced_memory())
    tokens = sum(len(one.ids) for one in encoded) / len(encoded)
    print(
        f"{len(encoded):,} prompts of {WINDOW} interactions and {tokens:.0f} tokens: {kept:,.0f} bytes each "
        f"({peak:,.0f} at most while they are encoded), {kept / WINDOW:.0f} MB for a million rows."
    )


if __name__ == "__main__":
    main()
