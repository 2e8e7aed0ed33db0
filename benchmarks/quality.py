"""Quality goals of methods at their own stop, in the scenes of error_rates.py (written to quality_WORLD.md).

    python benchmarks/quality.py FOLDER [WORKSPACE] [--scenes 5] [--methods cure_merge,...]

FOLDER is that of error_rates.py. In each scene a method unlearns 5 % of the people, and four of them one by one, as if
each had asked alone. The references never saw any of them, so that they serve for both. FOLDER keeps all results, so a
stopped benchmark continues where it was. A scene and method takes about 6 minutes on one core in the demo world.
"""

import argparse
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.entrants import ENTRANTS  # noqa: E402
from core.benchmark.report_tables import format_interval  # noqa: E402
from core.benchmark.scenarios import single_users, slug  # noqa: E402
from core.benchmark.statistics import mean_interval  # noqa: E402
from core.benchmark.trials import Scenario, groups_of, load_scenario  # noqa: E402
from core.evaluation.advantage import advantages  # noqa: E402
from core.evaluation.evaluate import ModelOutputs, metrics  # noqa: E402
from core.evaluation.metrics import prediction_auc, select_rows  # noqa: E402
from core.pipeline.context import make_context  # noqa: E402
from core.pipeline.stages import encode_unlearning_prompts  # noqa: E402
from core.types import Request  # noqa: E402
from core.unlearning.methods import DEFAULT_METHOD, METHODS  # noqa: E402
from core.unlearning.unlearn import unlearn_adapter  # noqa: E402
from core.utils.serialization import read_json, write_json  # noqa: E402
from core.workspace import Workspace  # noqa: E402

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


def requests_of(scenario: Scenario, number: int) -> Iterator[tuple[str, Scenario]]:
    """The scene's request, then one for each of four of its people, with the same models."""
    yield GROUP, scenario
    for user in single_users(scenario.context.request, number):
        request = replace(scenario.context.request, users=(user,))
        context = make_context(scenario.context.workspace, request, scenario.recommender.tokenizer)
        prompts = encode_unlearning_prompts(scenario.recommender, context)
        yield SINGLE, replace(scenario, context=context, prompts=prompts, found={})


def about(outputs: ModelOutputs, request: Request) -> ModelOutputs:
    """The outputs with the forgotten rows of one request of the scene."""
    return replace(outputs, forget=select_rows(outputs.forget, np.isin(outputs.forget.users, request.subjects)))


def measured(whole: Scenario, scenario: Scenario, method: str) -> Measured:
    """Unlearn one request with a method, and measure the model at its own stop on the rows of the whole scene."""
    groups, _ = groups_of(scenario, ENTRANTS[method], 0)
    unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, METHODS[method], 0)
    outputs = (whole.evaluate(0), whole.original, *whole.references)
    whole.restore()
    models = [about(one, scenario.context.request) for one in outputs]
    model, original, *references = models
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
        whole = load_scenario(workspace, workspace.request("req-random"), "cpu")
        found = [(kind, measured(whole, one, method)) for kind, one in requests_of(whole, number)]
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
