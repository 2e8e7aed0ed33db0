"""Unlearning methods at their own stop on a pretrained LLM: SmolLM2-135M fine-tuned on people of MovieLens.

    python benchmarks/real_methods.py FOLDER DATA [--seeds 0,1,2]      needs: python -m core base fetch smollm2-135m

DATA is the folder of MovieLens small. For each seed, 48 people with their last 16 ratings are drawn anew, an adapter and five
references are trained, and each method unlearns six of the people. FOLDER keeps all results, so a stopped benchmark continues
where it was; two processes may share it with different seeds. On one core, a seed takes about 40 minutes of training and
20 to 60 minutes for each method. After each method it writes real_methods.jsonl (one row for each model) and real_methods.md.
"""

import argparse
import json
import platform
import random
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
import transformers

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.entrants import ENTRANTS, MERGE, Entrant, Groups  # noqa: E402
from core.benchmark.meter import Meter  # noqa: E402
from core.benchmark.report_tables import format_interval  # noqa: E402
from core.benchmark.statistics import mean_interval  # noqa: E402
from core.benchmark.trials import Scenario, groups_of, load_scenario  # noqa: E402
from core.data.interaction_store import InteractionStore  # noqa: E402
from core.data.readers import Dataset, read  # noqa: E402
from core.data.splits import by_user  # noqa: E402
from core.demo.worlds import PRETRAINED  # noqa: E402
from core.evaluation.advantage import advantages  # noqa: E402
from core.evaluation.evaluate import ModelOutputs  # noqa: E402
from core.evaluation.metrics import leave_one_out  # noqa: E402
from core.pipeline.prepare import prepare  # noqa: E402
from core.runs.references import train_references  # noqa: E402
from core.runs.requests import open_request  # noqa: E402
from core.types import Group, Task  # noqa: E402
from core.unlearning.training_types import Step  # noqa: E402
from core.unlearning.unlearn import unlearn_adapter  # noqa: E402
from core.utils.atomic_io import write_bytes  # noqa: E402
from core.utils.serialization import read_json, write_json  # noqa: E402
from core.workspace import Workspace  # noqa: E402

PEOPLE, RATINGS, FORGOTTEN, REFERENCES = 48, 16, 6, 5
TARGET = Path(__file__).with_suffix(".md")
Row = dict[str, Any]


def all_forget(groups: Groups, rng: random.Random) -> Groups:  # noqa: ARG001 - common signature of `Entrant.regroup`
    """Every module in the forget group: the forget change is subtracted from all of them."""
    return dict.fromkeys(groups, Group.FORGET)


def random_tenth(groups: Groups, rng: random.Random) -> Groups:
    """A random tenth of the modules in the forget group, and the others unchanged."""
    chosen = set(rng.sample(sorted(groups), round(len(groups) / 10)))
    return {name: Group.FORGET if name in chosen else Group.OUTSIDE for name in groups}


METHODS: dict[str, Entrant] = {
    "cure_merge": ENTRANTS["cure_merge"],
    "cure": ENTRANTS["cure"],
    "negation": Entrant(replace(MERGE, groups=""), all_forget),
    "random tenth": Entrant(replace(MERGE, groups=""), random_tenth),
    "graddiff": ENTRANTS["graddiff"],
    "npo": ENTRANTS["npo"],
}


def report(name: str, step: Step) -> bool:
    if step.number == step.total:
        print(name, flush=True)
    return False


def few(data: Dataset, seed: int) -> Dataset:
    """PEOPLE random people with their last RATINGS ratings."""
    histories = by_user(data.interactions, Task.CLICK)
    able = sorted(user for user, events in histories.items() if len(events) >= RATINGS)
    chosen = random.Random(seed).sample(able, PEOPLE)
    events = [event for user in chosen for event in histories[user][-RATINGS:]]
    named = {event.item for event in events}
    items = tuple(item for item in data.items if item.id in named)
    return Dataset(items, InteractionStore.of(events), domain=data.domain)


def train(folder: Path, data: Path, seed: int) -> Scenario:
    """The models of one seed, in memory; those that FOLDER lacks are trained."""
    place = folder / f"seed-{seed}"
    if not place.is_dir():
        settings = replace(PRETRAINED.settings, name="MovieLens on SmolLM2", data="movielens small", seed=seed)
        prepare(few(read(f"movielens:{data}"), seed), place, settings, PRETRAINED.scratch, report)
    workspace = Workspace(place)
    if not workspace.requests():
        open_request(workspace, random.Random(seed).sample(sorted(workspace.user_split.training_users), FORGOTTEN))
    request = workspace.requests()[0]
    train_references(workspace, request.id, REFERENCES, "cpu", lambda number, step: report(f"reference {number}", step))
    return load_scenario(workspace, request, "cpu")


def row(
    scenario: Scenario, method: str, outputs: ModelOutputs, references: Sequence[ModelOutputs], **values: Any
) -> Row:
    """All measures of one model: those of the benchmark, and the advantage over the references in nats."""
    models = [outputs, scenario.original, *references]
    loss = advantages([one.forget for one in models], [one.holdout for one in models])[0]
    found = asdict(scenario.row(method, outputs, list(references), **values))
    return found | {
        "advantage": loss.unlearned.value,
        "advantage_before": loss.original.value,
        "phi": 1 - loss.unlearned.value / loss.original.value,
        "forgotten_rows": len(outputs.forget.losses),
        "test_rows": len(outputs.test.losses),
    }


def known(scenario: Scenario) -> list[Row]:
    """The original, and each reference against the others: what a method starts from, and what it aims at."""
    rows = [row(scenario, "original", scenario.original, scenario.references)]
    return rows + [row(scenario, "reference", one, others) for one, others in leave_one_out(scenario.references)]


def unlearned(scenario: Scenario, name: str, seed: int) -> Row:
    """One method at its own stop, with the settings that it ships with."""
    method = METHODS[name].method
    groups, circuit_seconds = groups_of(scenario, METHODS[name], seed)
    conflicts: list[float] = []

    def watch(step: Step) -> bool:
        conflicts.append(step.losses.get("conflict", 0.0))
        return False

    meter = Meter(scenario.recommender.device)
    outcome = unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, method, seed, watch)
    meter.pause()
    outputs = scenario.evaluate(0)
    scenario.restore()
    costs = {"seconds": meter.seconds, "peak_mib": meter.peak_mib, "circuit_seconds": circuit_seconds}
    found = row(
        scenario, name, outputs, scenario.references,
        movable_share=outcome.movable / outcome.total, conflict=fmean(conflicts), strength=float(outcome.steps), **costs,
    )  # fmt: skip
    return found | {str(group): sum(one is group for one in groups.values()) for group in Group}


def measure(folder: Path, data: Path, seed: int) -> Iterator[str]:
    """Store the rows of one seed that FOLDER lacks, and yield the name of each method when it is done."""
    missing = [name for name in ("known", *METHODS) if not stored(folder, seed, name).is_file()]
    if not missing:
        return
    scenario = train(folder, data, seed)
    for name in missing:
        started = time.perf_counter()
        rows = known(scenario) if name == "known" else [unlearned(scenario, name, seed)]
        write_json(stored(folder, seed, name), rows)
        yield f"seed {seed}: {name} in {time.perf_counter() - started:.0f} s"


def stored(folder: Path, seed: int, name: str) -> Path:
    return folder / f"seed-{seed}-{name.replace(' ', '-')}.json"


def rows_of(folder: Path, seeds: Sequence[int]) -> list[Row]:
    """All rows that FOLDER holds."""
    files = (stored(folder, seed, name) for name in ("known", *METHODS) for seed in seeds)
    return [one for file in files if file.is_file() for one in read_json(file)]


COLUMNS: Mapping[str, tuple[str, int]] = {  # key of the row -> heading, decimals
    "advantage": ("advantage left, nats", 3),
    "phi": ("share forgotten", 2),
    "forget_auc": ("AUC on the forgotten rows", 3),
    "forget_gap": ("over the references", 3),
    "residual": ("residual", 2),
    "test_auc": ("others' test AUC", 3),
    "test_log_loss": ("others' log loss", 3),
    "holdout_auc": ("strangers' AUC", 3),
    "seconds": ("seconds", 0),
    "circuit_seconds": ("seconds for groups", 0),
    "peak_mib": ("MiB after", 0),
    "strength": ("steps", 0),
}


def over_seeds(rows: Sequence[Row], key: str) -> tuple[float, float]:
    """Mean over seeds of each seed's mean, with the half-width of Student's 95 % interval."""
    by_seed: dict[int, list[float]] = {}
    for one in rows:
        if one[key] is not None:
            by_seed.setdefault(one["seed"], []).append(one[key])
    return mean_interval([fmean(own) for own in by_seed.values()])


def table(rows: Sequence[Row]) -> Iterator[str]:
    """One line for each kind of model."""
    yield "| model | seeds | " + " | ".join(heading for heading, _ in COLUMNS.values()) + " |"
    yield "| --- " * (len(COLUMNS) + 2) + "|"
    for name in dict.fromkeys(one["method"] for one in rows):
        own = [one for one in rows if one["method"] == name]
        yield f"| {name} | {len({one['seed'] for one in own})} | " + " | ".join(
            format_interval(over_seeds(own, key), digits) for key, (_, digits) in COLUMNS.items()
        ) + " |"  # fmt: skip


def groups_table(rows: Sequence[Row]) -> Iterator[str]:
    """The modules of each group, for each seed."""
    yield "| method | seed | " + " | ".join(map(str, Group)) + " |"
    yield "| --- " * (len(Group) + 2) + "|"
    for one in rows:
        if str(Group.FORGET) in one:
            yield f"| {one['method']} | {one['seed']} | " + " | ".join(str(one[str(group)]) for group in Group) + " |"


def write(rows: Sequence[Row], command: str) -> None:
    """Write the rows, and the tables made of them below the words that stand in the file."""
    write_bytes(TARGET.with_suffix(".jsonl"), b"".join(json.dumps(one).encode() + b"\n" for one in rows))
    counts = [
        f"{fmean(one[key] for one in rows if one['method'] == 'original'):.0f}"
        for key in ("forgotten_rows", "test_rows")
    ]
    words = (
        TARGET.read_text(encoding="utf-8").partition("## Tables")[0] if TARGET.is_file() else "# Methods on SmolLM2\n\n"
    )
    lines = [
        "## Tables", "",
        f"{PEOPLE} people with {RATINGS} ratings, {FORGOTTEN} of them forgotten ({counts[0]} rows; others' "
        f"test: {counts[1]} rows), {REFERENCES} references each. Mean over seeds with the half-width of Student's 95 % interval. "
        "A reference is measured against the other four. "
        f"`{command}`. torch {torch.__version__}, transformers {transformers.__version__}, Python {platform.python_version()}, "
        "one thread.", "",
        *table(rows), "",
        "Modules in each group:", "", *groups_table(rows), "",
    ]  # fmt: skip
    TARGET.write_text(words + "\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = [int(one) for one in options.seeds.split(",")]
    command = f"python benchmarks/real_methods.py FOLDER DATA --seeds {options.seeds}"
    for done in chain(["what is there"], *(measure(options.folder, options.data, seed) for seed in seeds)):
        if rows := rows_of(options.folder, seeds):
            write(rows, command)
        print(done, flush=True)


if __name__ == "__main__":
    main()
