"""Does it matter which coordinates unlearning moves? Choices compared at equal forgetting (written to locality_WORLD.md).

    python benchmarks/locality.py FOLDER [WORKSPACE] [--scenes 5] [--shares .02,.05,.1,.2,.5] [--draws 3]
    python benchmarks/locality.py FOLDER --smollm2 --scenes 1 --shares .1 --draws 1 --steps 8 [--choices negation,gradient]

In each scene of error_rates.py (5 % of the people, references that never saw them) the forget vector less half of the
control vector is subtracted from a share of the LoRA coordinates. Each choice of coordinates (locality_choices.py) is
applied at the strength at which the model knows the forgotten rows as well as the retrained models do on average, so
that all forget alike. Then the yardstick (locality_yardstick.py) tells what comes back and what others lose. Random
coordinates are also measured at the norm at which the gradient's choice has forgotten. What other methods change
(locality_vectors.py) is scaled in the same way, so that methods are compared at equal forgetting too.

FOLDER keeps all models and results, so a stopped benchmark continues where it was. On one core in the demo world, a scene
takes 7 minutes of training, and each row about 10 seconds; --scenes 1 --shares .1 --draws 1 is the quick form. With
--smollm2, scenes are the seeds of real_methods.py, which FOLDER holds; a row takes about 10 minutes there.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from known_models import train_scene  # noqa: E402
from locality_choices import CHOICES, RANDOM, Inputs, highest  # noqa: E402
from locality_components import COMPONENTS, WEIGHTS  # noqa: E402
from locality_table import write  # noqa: E402
from locality_vectors import VECTORS  # noqa: E402
from locality_yardstick import (  # noqa: E402
    CURVE,
    Knowledge,
    Yardstick,
    auc_gap,
    others,
    returned,
    trained_change,
    yardstick_of,
)

from core.benchmark.entrants import MERGE  # noqa: E402
from core.benchmark.trials import Scenario, load_scenario  # noqa: E402
from core.evaluation.metrics import leave_one_out  # noqa: E402
from core.pipeline.context import load_adapter  # noqa: E402
from core.unlearning.early_stopping import sample  # noqa: E402
from core.unlearning.task_vectors import CONTROL_WEIGHT, control_size, overfit_epochs  # noqa: E402
from core.unlearning.teachers import OVERFIT  # noqa: E402
from core.workspace import Workspace  # noqa: E402

DEMO = ROOT / "assets/demo"
TOLERANCE = 0.02  # of the share forgotten, within which a model counts as equally forgotten
FIRST, FINEST = 0.25, 1e-3  # first multiple of the vector, and the finest step of the bisection
MOST = 256.0  # times the vector; a choice that has not forgotten there counts as not reached
ALL = "all coordinates"
Key, Row = dict[str, Any], dict[str, Any]


class Rows:
    """The rows of one scene in a file, one JSON object a line; a row that is there is not measured again."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.rows: list[Row] = [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        """The keys of which no row has all values."""
        return [key for key in keys if not any(key.items() <= row.items() for row in self.rows)]

    def measure(self, number: int, keys: Iterable[Key], measure: Callable[[Key], Iterable[Row]]) -> None:
        """Append the rows of some keys of a scene, on disk too, and tell the time of each."""
        for key in keys:
            started = time.perf_counter()
            for row in measure(key):
                self.rows.append({"scene": number, **row})
                with self.file.open("a") as file:
                    file.write(json.dumps(self.rows[-1]) + "\n")
            print(f"scene {number}: {key} in {time.perf_counter() - started:.0f} s", flush=True)


def overfit_vectors(yardstick: Yardstick) -> Iterator[Tensor]:
    """The task vectors of the forget set and of `control_size` retained prompts, flat [row, rank]."""
    prompts = yardstick.scenario.prompts
    sets = prompts.forget, sample(prompts.retain, control_size(len(prompts.forget)), yardstick.seed)
    for part in sets:
        epochs = overfit_epochs(len(part), MERGE)
        settings = replace(OVERFIT, epochs=epochs, learning_rate=prompts.learning_rate, seed=yardstick.seed)
        yield trained_change(yardstick, part, settings)


def equal_strength(
    yardstick: Yardstick, original: Tensor, step: Tensor, start: float, goal: float
) -> tuple[float, float]:
    """The multiple of `step` at whose subtraction the share forgotten is 1, and the share there; the model is left there.

    Args:
        yardstick: Measures the loss.
        original: Weights of the original, flat [row, rank].
        step: What is subtracted, flat [row, rank].
        start: Loss of the original on the forgotten rows, in nats.
        goal: Mean loss of the references.
    """

    def forgotten(multiple: float) -> float:
        yardstick.plan.write(original - multiple * step)
        return (yardstick.loss() - start) / (goal - start)

    low, high = 0.0, FIRST
    while (share := forgotten(high)) < 1 - TOLERANCE and high < MOST:
        low, high = high, 2 * high
    multiple, reached = high, share >= 1 - TOLERANCE
    while reached and abs(share - 1) > TOLERANCE and high - low > FINEST * high:
        multiple = (low + high) / 2
        share = forgotten(multiple)
        low, high = (multiple, high) if share < 1 else (low, multiple)
    return multiple, share


class Scene:
    """Models, vector and scores of one scene."""

    def __init__(self, scenario: Scenario, number: int, steps: int = CURVE[-1]) -> None:
        """Measure the original and the references, and train the forget vector."""
        self.number, self.scenario = number, scenario
        self.yardstick = yardstick_of(scenario, number, steps)
        self.plan = self.yardstick.plan
        self.before = self.plan.weights()
        self.original = self.yardstick.knowledge()
        self.references = list(self._references())
        forget, control = overfit_vectors(self.yardstick)
        self.vector = forget - CONTROL_WEIGHT * control
        self.inputs = Inputs(scenario, self.plan, self.vector, forget, 1000 * number)
        self.scores: dict[str, Tensor] = {}  # by choice, flat [row, rank]
        self.norms: dict[float, float] = {}  # of the gradient's choice where it has forgotten, by share

    def _references(self) -> Iterator[Knowledge]:
        workspace = self.scenario.context.workspace
        for folder in workspace.reference_folders(self.scenario.context.request.id):
            recommender = load_adapter(workspace, str(folder), "cpu")
            scenario = replace(self.scenario, recommender=recommender)
            yield yardstick_of(scenario, self.number, self.yardstick.steps).knowledge()

    def rows(self, choice: str, share: float = 1.0, draw: int = 0) -> Iterator[Row]:
        """The rows of one choice at one share; one for each reference."""
        if choice == "reference":
            for own, rest in leave_one_out(range(len(self.references))):
                known = [self.references[one] for one in rest]
                yield {"choice": choice, "draw": own, **returned(self.references[own], self.original, known)}
        elif choice == "original":
            yield {"choice": choice, **returned(self.original, self.original, self.references)}
        else:
            yield {"choice": choice, "share": share, "draw": draw, **self._at_equal_forgetting(choice, share, draw)}

    def _at_equal_forgetting(self, choice: str, share: float, draw: int) -> Row:
        """Subtract the chosen part of the vector until all is forgotten, and measure the model there."""
        step = self._step(choice, share, draw)
        goal = fmean(one["plain"] for one in self.references)
        multiple, forgotten = equal_strength(self.yardstick, self.before, step, self.original["plain"], goal)
        norm = multiple * float(step.norm())
        found = {"forgotten": forgotten, "multiple": multiple, "norm": norm}
        if choice == "gradient":
            self.norms[share] = norm
        forget, test = self.yardstick.predictions()
        found |= {"auc_gap": auc_gap(forget, self.scenario), **others(test, self.scenario)}
        found |= returned(self.yardstick.knowledge(), self.original, self.references)
        if choice == "random coordinates" and share in self.norms:
            self.plan.write(self.before - self.norms[share] / float(step.norm()) * step)
            found["forgotten_at_norm"] = (self.yardstick.loss() - self.original["plain"]) / (
                goal - self.original["plain"]
            )
        self.plan.write(self.before)
        return found

    def _step(self, choice: str, share: float, draw: int) -> Tensor:
        """The part of the vector that a choice applies, flat [row, rank]."""
        seed = self.inputs.seed + draw
        if choice == ALL:
            return self.vector
        if choice in VECTORS:
            return VECTORS[choice](self.inputs)
        if choice in WEIGHTS:
            return self.vector * WEIGHTS[choice](self.scores_of("Fisher"), seed)
        if choice in COMPONENTS:
            return COMPONENTS[choice](self.inputs, share, seed)
        drawn = choice in RANDOM
        scores = RANDOM[choice](replace(self.inputs, seed=seed)) if drawn else self.scores_of(choice)
        return self.vector * highest(scores, share, seed)

    def scores_of(self, choice: str) -> Tensor:
        """Score of each coordinate by one of CHOICES, flat [row, rank]; computed once."""
        if choice not in self.scores:
            self.scores[choice] = CHOICES[choice](self.inputs)
        return self.scores[choice]


def planned(shares: list[float], draws: int) -> Iterator[Key]:
    """The keys of all rows, the gradient's before those of random coordinates, which are measured at its norm too."""
    for choice in (ALL, *WEIGHTS, *VECTORS):
        yield {"choice": choice, "share": 1.0, "draw": 0}
    for share in shares:
        for choice in (*CHOICES, *COMPONENTS):
            yield {"choice": choice, "share": share, "draw": 0}
        for choice in RANDOM:
            for draw in range(draws):
                yield {"choice": choice, "share": share, "draw": draw}


def scene(make: Callable[[int], Scenario], number: int, folder: Path, keys: Sequence[Key], steps: int) -> list[Row]:
    """All rows of one scene; those that FOLDER lacks are measured."""
    rows = Rows(folder / f"locality-{number}.jsonl")
    if missing := rows.missing([{"choice": "original"}, {"choice": "reference"}, *keys]):
        found = Scene(make(number), number, steps)
        found.norms |= {row["share"]: row["norm"] for row in rows.rows if row["choice"] == "gradient"}
        rows.measure(number, missing, lambda key: found.rows(**key))
    return rows.rows


def random_people(source: Workspace, folder: Path, number: int) -> Scenario:
    """A scene of error_rates.py; what FOLDER lacks is trained."""
    return load_scenario(*train_scene(source, number, "random", folder), "cpu")


def smollm2(folder: Path, number: int) -> Scenario:
    """A seed of real_methods.py, whose models FOLDER holds."""
    workspace = Workspace(folder / f"seed-{number}")
    return load_scenario(workspace, workspace.requests()[0], "cpu")


def common_options(description: str | None) -> argparse.ArgumentParser:
    """The options that locality.py and planted.py share."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=DEMO)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--draws", type=int, default=3)
    return parser


def main() -> None:
    parser = common_options(__doc__)
    parser.add_argument("--shares", default=".02,.05,.1,.2,.5")
    parser.add_argument("--choices", default="", help="some of the choices; all by default")
    parser.add_argument("--steps", type=int, default=CURVE[-1], help="steps of relearning")
    parser.add_argument("--smollm2", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = Workspace(options.folder / "seed-0" if options.smollm2 else options.workspace)
    make = partial(smollm2, options.folder) if options.smollm2 else partial(random_people, source, options.folder)
    options.is_demo = options.workspace == DEMO
    chosen = options.choices.split(",") if options.choices else None
    keys = planned([float(one) for one in options.shares.split(",")], options.draws)
    keys = [key for key in keys if chosen is None or key["choice"] in chosen]
    rows: list[Row] = []
    for number in range(options.scenes):
        rows += scene(make, number, options.folder, keys, options.steps)
        write(rows, source.settings.name, options, Path(__file__).parent)


if __name__ == "__main__":
    main()
