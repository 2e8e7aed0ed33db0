"""Quality goals of methods at their own stop, in the scenes of error_rates.py (written to quality_WORLD.md).

    python benchmarks/quality.py FOLDER [WORKSPACE] [--scenes 5] [--methods cure_merge,...]

FOLDER is that of error_rates.py. In each scene a method unlearns 5 % of the people, and four of them one by one, as if
each had asked alone. The references never saw any of them, so that they serve for both. FOLDER keeps all results, so a
stopped benchmark continues where it was. A scene and method takes about 6 minutes on one core in the demo world.
"""

import argparse
import platform
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.entrants import ENTRANTS  # noqa: E402
from core.benchmark.report_tables import format_interval  # noqa: E402
from core.benchmark.scenarios import slug  # noqa: E402
from core.benchmark.statistics import mean_interval  # noqa: E402
from core.benchmark.trials import Scenario, groups_of, load_scenario  # noqa: E402
from core.evaluation.advantage import advantages  # noqa: E402
from core.evaluation.evaluate import metrics  # noqa: E402
from core.evaluation.metrics import prediction_auc  # noqa: E402
from core.types import Request  # noqa: E402
from core.unlearning.methods import DEFAULT_METHOD, METHODS  # noqa: E402
from core.unlearning.unlearn import unlearn_adapter  # noqa: E402
from core.utils.serialization import read_json, write_json  # noqa: E402
from core.workspace import Workspace  # noqa: E402

SINGLE_USERS = 4  # of each scene, the same people as in error_rates.py
GROUP, SINGLE = "5 % of the people", "one person"
MEASURES = {
    "nats": "advantage left, nats",
    "nats_before": "of, nats",
    "auc_gap": "advantage left, AUC",
    "membership": "advantage left, membership",
    "test_auc": "change of the test AUC",
    "references_test_auc": "the same of the references",
}
Measured = dict[str, float]


def requests_of(workspace: Workspace, number: int) -> Iterator[tuple[str, Request]]:
    """The scene's request, then one for each of four of its people, with the same references."""
    request = workspace.request("req-random")
    yield GROUP, request
    for user in random.Random(number).sample(request.users, SINGLE_USERS):
        yield SINGLE, replace(request, users=(user,))


def measured(scenario: Scenario, method: str) -> Measured:
    """Unlearn with a method and measure the model at its own stop."""
    groups, _ = groups_of(scenario, ENTRANTS[method], 0)
    unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, METHODS[method], 0)
    model, original, references = scenario.evaluate(0), scenario.original, scenario.references
    scenario.restore()
    models = (model, original, *references)
    loss, _, membership = advantages([one.forget for one in models], [one.holdout for one in models])
    before = metrics(original, draws=0).test_auc.value
    reference_aucs = [prediction_auc(one.forget) for one in references]
    return {
        "nats": loss.unlearned.value,
        "nats_before": loss.original.value,
        "auc_gap": prediction_auc(model.forget) - sum(reference_aucs) / len(references),
        "membership": membership.unlearned.value,
        "test_auc": metrics(model, draws=0).test_auc.value - before,
        "references_test_auc": sum(metrics(one, draws=0).test_auc.value for one in references) / len(references)
        - before,
    }


def scene(folder: Path, number: int, method: str) -> list[tuple[str, Measured]]:
    """Results of one scene, which are stored."""
    stored = folder / f"quality-{number}-{method}.json"
    if not stored.is_file():
        workspace = Workspace(folder / f"scene-{number}")
        found = [
            (kind, measured(load_scenario(workspace, request, "cpu"), method))
            for kind, request in requests_of(workspace, number)
        ]
        write_json(stored, found)
        print(stored.name, flush=True)
    return [tuple(one) for one in read_json(stored)]


def table(results: dict[str, list[tuple[str, Measured]]], kind: str) -> list[str]:
    columns = [*MEASURES, "share"]
    lines = [
        "| method | n | " + " | ".join([*MEASURES.values(), "mean share forgotten"]) + " |",
        "| --- " * (len(columns) + 2) + "|",
    ]
    for method, found in results.items():
        own = [values for name, values in found if name == kind]
        cells = [format_interval(mean_interval([one[name] for one in own])) for name in MEASURES]
        share = 1 - sum(one["nats"] for one in own) / sum(one["nats_before"] for one in own)
        lines.append(f"| `{method}` | {len(own)} | " + " | ".join([*cells, f"{share:.2f}"]) + " |")
    return [*lines, ""]


def write(
    source: Workspace, target: Path, results: dict[str, list[tuple[str, Measured]]], arguments: Sequence[str]
) -> None:
    lines = [
        f"# Quality of methods at their own stop: {source.settings.name}", "",
        "Mean over n requests with the half-width of Student's 95 % interval. The advantage is that over the references; 0 is "
        "the goal, and below 0 too much was forgotten. The share forgotten is that of the mean advantage in nats. "
        f"`python benchmarks/quality.py {' '.join(arguments)}`. torch {torch.__version__}, Python {platform.python_version()}.", "",
    ]  # fmt: skip
    for kind in (GROUP, SINGLE):
        lines += [f"## {kind}", "", *table(results, kind)]
    target.write_text("\n".join(lines), encoding="utf-8")
    print(target, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=ROOT / "assets/demo")
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--methods", default=DEFAULT_METHOD)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = Workspace(options.workspace)
    results: dict[str, list[tuple[str, Measured]]] = {method: [] for method in options.methods.split(",")}
    for number in range(options.scenes):
        for method, found in results.items():
            found += scene(options.folder, number, method)
    target = Path(__file__).with_name(f"quality_{slug(source.settings.name)}.md")
    write(source, target, results, ["FOLDER", f"--scenes {options.scenes}", f"--methods {options.methods}"])


if __name__ == "__main__":
    main()
