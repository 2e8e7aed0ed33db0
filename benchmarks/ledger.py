"""A long ledger: what a decision reads of it, what an entry costs, and a check of all signatures, beside the floor.

    python benchmarks/ledger.py [--entries 100000]      writes benchmarks/ledger.md; about five minutes on one core

The floor is reading the file and hashing it once. A decision asks for the entries of a run, its verification, its request's
references and its decisions, in a process of its own, as on the command line.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.ledger.chain import append, entries, verify  # noqa: E402
from core.ledger.keys import Keys, make_keys, read_public  # noqa: E402
from core.ledger.statement import Statement, kind_word, signed  # noqa: E402

KINDS = ("reference", "run", "verification", "submission", "decision")
QUESTIONS, IDS = 32, 4  # times that a decision asks for entries, and about how many runs, requests and kinds
PADDING = "x" * 600  # so that a line has about 1.5 kB, as in the demo world


def fill(path: Path, count: int, keys: Keys) -> None:
    """Write a ledger of `count` entries; the last one is appended, which keeps its head."""
    last = "0" * 64
    with path.open("wb") as file:
        for number in range(1, count):
            content = {
                "run": f"run-{number // len(KINDS)}",
                "words": PADDING,
                "number": number,
                "before": last,
                "time": "",
            }
            line = signed(Statement(KINDS[number % len(KINDS)], {"adapter after": last}, content), keys)
            last = sha256(line).hexdigest()
            file.write(line + b"\n")
    append(path, "run", {}, {"run": "run-last"}, keys)


def decide(folder: Path, count: int) -> None:
    """What one decision reads, timed in this process."""
    path, key = folder / "ledger.jsonl", read_public(folder / "ledger.pub")
    runs = [f"run-{count // len(KINDS) // 2 + n}" for n in range(IDS)]
    print(
        seconds(lambda: [entries(path, key, kind_word(KINDS[n % len(KINDS)]), runs[n % IDS]) for n in range(QUESTIONS)])
    )


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--decide", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.decide:
        decide(options.decide, options.entries)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CURE_LENS_KEYS"] = str(folder / "keys")
        keys, path = make_keys(folder / "ledger.pub"), folder / "ledger.jsonl"
        fill(path, options.entries, keys)
        floor = min(seconds(lambda: sha256(path.read_bytes()).digest()) for _ in range(3))
        command = [sys.executable, __file__, "--entries", str(options.entries), "--decide", name]
        decision = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        entry = min(seconds(lambda: append(path, "run", {}, {"run": "run-new"}, keys)) for _ in range(3))
        whole = seconds(lambda: verify(path, keys.signer.public_key))
        size = path.stat().st_size / 1e6
    rows = [("read and hash the file (floor)", floor), (f"a decision: {QUESTIONS} questions, new process", decision),
            ("one entry", entry), ("check of all signatures (`ledger verify`)", whole)]  # fmt: skip
    lines = [
        "# A long ledger", "",
        f"{options.entries:,} entries, {size:.0f} MB. `python benchmarks/ledger.py --entries {options.entries}`. "
        f"Python {platform.python_version()}, one core.", "",
        "| work | seconds | times the floor |", "| --- | --- | --- |",
        *(f"| {name} | {spent:.2f} | {spent / floor:.1f} |" for name, spent in rows), "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
