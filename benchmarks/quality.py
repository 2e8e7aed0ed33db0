"""Quality goals of methods at their own stop, in the scenes of error_rates.py (written to quality_WORLD.md).

    python benchmarks/quality.py FOLDER [WORKSPACE] [--scenes 5] [--methods cure_merge,...] [--single-methods ...]

FOLDER is that of error_rates.py. In each scene a method unlearns 5 % of the people, and, for the methods named so, four
of them one by one, as if each had asked alone. The references never saw any of them, so that they serve for both.
FOLDER keeps all results, so a stopped benchmark continues where it was. On one core in the demo world, a scene takes a
method about one minute for the group and three for the four people.
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
from core.unlearning.methods import DEFAULT_METHOD  # noqa: E402
from core.unlearning.unlearn import unlearn_adapter  # noqa: E402
from core.utils.serialization import read_json, write_json  # noqa: E402
from core.workspace import Workspace  # noqa: E402

DEMO = ROOT / "assets/demo"
KINDS = {"group": "5 % of the people", "single": "one person"}
MEASURES = {
    "nats": "advantage left, nats",
    "nats_before": "of, nats",
    "auc_gap": "advantage left, AUC",
    "membership": "advantage left, membership",
    "test_auc": "change of the test AUC",
    "references_test_auc": "the same of the references",
}
Measured = dict[str, float]


def requests_of(scenario: Scenario, number: int, kind: str) -> Iterator[Scenario]:
    """The scene's request, or one for each of four of its people, with the same models."""
    if kind == "group":
        yield scenario
        return
    for user in single_users(scenario.context.request, number):
        request = replace(scenario.context.request, users=(user,))
        context = make_context(scenario.context.workspace, request, scenario.recommender.tokenizer)
        prompts = encode_unlearning_prompts(scenario.recommender, context)
        yield replace(scenario, context=context, prompts=prompts, found={})


def about(outputs: ModelOutputs, request: Request) -> ModelOutputs:
    """The outputs with the forgotten rows of one request of the scene."""
    return replace(outputs, forget=select_rows(outputs.forget, np.isin(outputs.forget.users, request.subjects)))


def measured(whole: Scenario, scenario: Scenario, method: str) -> Measured:
    """Unlearn one request with a method, and measure the model at its own stop on the rows of the whole scene."""
    groups, _ = groups_of(scenario, ENTRANTS[method], 0)
    unlearn_adapter(scenario.recommender.model, scenario.prompts, groups, ENTRANTS[method].method, 0)
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


def scene(folder: Path, number: int, kind: str, method: str) -> list[Measured]:
    """Results of one scene, which are stored."""
    stored = folder / f"quality-{number}-{kind}-{method}.json"
    if not stored.is_file():
        workspace = Workspace(folder / f"scene-{number}")
        whole = load_scenario(workspace, workspace.request("req-random"), "cpu")
        write_json(stored, [measured(whole, one, method) for one in requests_of(whole, number, kind)])
        print(stored.name, flush=True)
    return read_json(stored)


def table(results: dict[str, list[Measured]]) -> list[str]:
    columns = [*MEASURES, "share"]
    lines = [
        "| method | n | " + " | ".join([*MEASURES.values(), "mean share forgotten"]) + " |",
        "| --- " * (len(columns) + 2) + "|",
    ]
    for method, own in results.items():
        cells = [format_interval(mean_interval([one[name] for one in own])) for name in MEASURES]
        share = 1 - sum(one["nats"] for one in own) / sum(one["nats_before"] for one in own)
        lines.append(f"| `{method}` | {len(own)} | " + " | ".join([*cells, f"{share:.2f}"]) + " |")
    return [*lines, ""]


def write(
    source: Workspace, target: Path, results: dict[str, dict[str, list[Measured]]], arguments: Sequence[str]
) -> None:
    lines = [
        f"# Quality of methods at their own stop: {source.settings.name}", "",
        "Mean over n requests with the half-width of Student's 95 % interval. The advantage is that over the references; 0 is "
        "the goal, and below 0 too much was forgotten. The share forgotten is that of the mean advantage in nats. "
        f"`python benchmarks/quality.py {' '.join(arguments)}`. torch {torch.__version__}, Python {platform.python_version()}.", "",
    ]  # fmt: skip
    for kind, found in results.items():
        lines += [f"## {KINDS[kind]}", "", *table(found)]
    target.write_text("\n".join(lines), encoding="utf-8")
    print(target, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=DEMO)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--methods", default=DEFAULT_METHOD)
    parser.add_argument("--single-methods", default=DEFAULT_METHOD)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = Workspace(options.workspace)
    asked = {"group": options.methods.split(","), "single": options.single_methods.split(",")}
    results: dict[str, dict[str, list[Measured]]] = {kind: {one: [] for one in asked[kind]} for kind in KINDS}
    for number in range(options.scenes):
        for kind, found in results.items():
            for method, own in found.items():
                own += scene(options.folder, number, kind, method)
    target = Path(__file__).with_name(f"quality_{slug(source.settings.name)}.md")
    place = [] if options.workspace == DEMO else ["WORKSPACE"]
    methods = [f"--methods {options.methods}", f"--single-methods {options.single_methods}"]
    write(source, target, results, ["FOLDER", *place, f"--scenes {options.scenes}", *methods])


if __name__ == "__main__":
    main()
