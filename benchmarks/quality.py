"""Quality goals of methods at their own stop, in the scenes of error_rates.py (written to quality_WORLD_KIND.md).

    python benchmarks/quality.py FOLDER [WORKSPACE] [--scenes 5] [--methods cure_merge,...] [--single-methods ...]

FOLDER may be that of error_rates.py; models that it lacks are trained. In each scene a method unlearns 5 % of the people,
four of them one by one, as if each had asked alone, and one genre of one person. The references of the 5 % never saw any
of them, so that they serve for the four too. FOLDER keeps all results, so a stopped benchmark continues where it was. On
one core in the demo world, a scene takes 7 minutes of training for the 5 % and as much for the genre; a method takes about
one minute for the group and one for each small request.
"""

import argparse
import platform
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from known_models import train_scene  # noqa: E402

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
KINDS = {"group": "5 % of the people", "single": "one person", "genre": "one genre of one person"}
MEASURES = {
    "nats": "advantage left, nats",
    "nats_before": "advantage of the original, nats",
    "auc_gap": "advantage left, AUC",
    "auc_before": "advantage of the original, AUC",
    "membership": "advantage left, membership",
    "test_auc": "change of the test AUC",
    "references_test_auc": "the references' change of the test AUC",
}
Measured = dict[str, float]


def requests_of(scenario: Scenario, number: int, kind: str) -> Iterator[Scenario]:
    """The scene's request, or one for each of four of its people, with the same models."""
    if kind != "single":
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
        "auc_gap": prediction_auc(model.forget) - fmean(reference_aucs),
        "auc_before": prediction_auc(original.forget) - fmean(reference_aucs),
        "membership": membership.unlearned.value,
        "test_auc": metrics(model, draws=0).test_auc.value - before,
        "references_test_auc": fmean(metrics(one, draws=0).test_auc.value for one in references) - before,
    }


def scene(source: Workspace, folder: Path, number: int, kind: str, method: str) -> list[Measured]:
    """Results of one scene, which are stored."""
    stored = folder / f"quality-{number}-{kind}-{method}.json"
    if not stored.is_file():
        whole = load_scenario(*train_scene(source, number, "genre" if kind == "genre" else "random", folder), "cpu")
        write_json(stored, [measured(whole, one, method) for one in requests_of(whole, number, kind)])
        print(stored.name, flush=True)
    return read_json(stored)


def table(results: dict[str, list[list[Measured]]]) -> list[str]:
    """One row for each method; its results are given by scene."""
    columns = [*MEASURES, "share"]
    lines = [
        "| method | scenes | requests | " + " | ".join([*MEASURES.values(), "mean share forgotten"]) + " |",
        "| --- " * (len(columns) + 3) + "|",
    ]
    for method, scenes in results.items():
        means = {name: [fmean(one[name] for one in own) for own in scenes] for name in MEASURES}
        cells = [format_interval(mean_interval(found)) for found in means.values()]
        cells.append(f"{1 - sum(means['nats']) / sum(means['nats_before']):.2f}")
        lines.append(f"| `{method}` | {len(scenes)} | {sum(map(len, scenes))} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def write(source: Workspace, kind: str, results: dict[str, list[list[Measured]]], arguments: Sequence[str]) -> None:
    target = Path(__file__).with_name(f"quality_{slug(source.settings.name)}_{kind}.md")
    lines = [
        f"# Quality of methods at their own stop: {KINDS[kind]}, {source.settings.name}", "",
        "Mean over scenes with the half-width of Student's 95 % interval; a scene with several requests counts with their mean. "
        "The advantage is that over the references; 0 is the goal, and below 0 too much was forgotten. The share forgotten is "
        "that of the mean advantage in nats. Goals: a share of 0.8 to 1.2; for one person an AUC within 0.03 over 20 people; a "
        "test AUC within 0.005 of the original's. "
        f"`python benchmarks/quality.py {' '.join(arguments)}`. torch {torch.__version__}, Python {platform.python_version()}.", "",
    ]  # fmt: skip
    target.write_text("\n".join([*lines, *table(results)]), encoding="utf-8")
    print(target, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=DEMO)
    parser.add_argument("--scenes", type=int, default=5)
    parser.add_argument("--methods", default=DEFAULT_METHOD)
    parser.add_argument("--single-methods", default=DEFAULT_METHOD)
    parser.add_argument("--genre-methods", default=DEFAULT_METHOD)
    options = parser.parse_args()
    torch.set_num_threads(1)
    source = Workspace(options.workspace)
    asked = {
        kind: [one for one in names.split(",") if one]
        for kind, names in zip(KINDS, (options.methods, options.single_methods, options.genre_methods), strict=True)
    }
    results: dict[str, dict[str, list[list[Measured]]]] = {kind: {one: [] for one in asked[kind]} for kind in KINDS}
    for number in range(options.scenes):
        for kind, found in results.items():
            for method, own in found.items():
                own.append(scene(source, options.folder, number, kind, method))
    place = [] if options.workspace == DEMO else ["WORKSPACE"]
    methods = [f"--methods '{options.methods}'", f"--single-methods '{options.single_methods}'"]
    methods += [f"--genre-methods '{options.genre_methods}'"]
    for kind, found in results.items():
        if found:
            write(source, kind, found, ["FOLDER", *place, f"--scenes {options.scenes}", *methods])


if __name__ == "__main__":
    main()
