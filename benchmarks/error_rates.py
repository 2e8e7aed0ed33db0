"""Error rates of the verdict on models whose truth is known (written to error_rates.md).

    python benchmarks/error_rates.py FOLDER [WORKSPACE] [--scenes 12] [--kinds random,single,genre]

A scene is one adapter, trained by the workspace's recipe, and for each kind of request: six retrainings, each in turn
the candidate against the other five; the original; a model that kept half of each forgotten user's rows; a model that
forgot too much, by negating the task vector of the forgotten rows until its advantage is minus the original's; and the
original with rescaled factors. One person's request is judged on the rows of one of the 5 % of the people, by the same
models: none of the retrainings saw those rows, and the over-forgotten model is so for the group.

FOLDER keeps all adapters and verdicts, so a stopped benchmark continues where it was. Several processes with other
values of --first share the work; a last call with all scenes writes the table. --scenes 2 is the quick form.
"""

import argparse
import platform
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from scipy.stats import beta

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.scenarios import make_scenario, open_request, single_users, slug  # noqa: E402
from core.data.splits import by_user, windows  # noqa: E402
from core.evaluation.metrics import select_rows  # noqa: E402
from core.models.recommender import adapter_weights, preserve_adapter, put_adapter_weights, save_adapter  # noqa: E402
from core.pipeline.collect_answers import collect_answers, neighbours  # noqa: E402
from core.pipeline.context import RequestContext, fresh_adapter, load_adapter, make_context  # noqa: E402
from core.runs.references import FIRST_SEED, train_references  # noqa: E402
from core.types import Check, Prompt, Request, Verdict, Verification  # noqa: E402
from core.unlearning.finetuning import finetune  # noqa: E402
from core.unlearning.teachers import OVERFIT  # noqa: E402
from core.unlearning.training_types import Step  # noqa: E402
from core.utils.serialization import read_json, write_json  # noqa: E402
from core.verification.endpoints import ENDPOINTS  # noqa: E402
from core.verification.equivalence import exact_value  # noqa: E402
from core.verification.evidence import Answers, Evidence, TitleRanks  # noqa: E402
from core.verification.suite import run_suite  # noqa: E402
from core.verification.thresholds import Thresholds  # noqa: E402
from core.workspace import Workspace  # noqa: E402

RETRAININGS = 6
FIRST_SCENE = 3001  # seed of the first scene's adapter
OVER_STEPS = 8  # bisections for the model that forgot too much
SHARES = (0.5, 0.7, 0.8)
MODELS = ("retraining", "original", "original, rescaled", "half forgotten", "over-forgotten")
KINDS = {"random": "5 % of the people", "single": "one person", "genre": "one genre of one person"}
FILES = [
    Check(id, Verdict.PASS, exact_value(1, 1), 1, 1, None, code)
    for id, code in (("V12", "adapter_identity"), ("V0", "thresholds_frozen"), ("V0", "references_distinct"))
]
Outcome = tuple[str, float, str, int, str, str]  # kind, share, model, scene, verdict, reason


def scene_answers(
    source: Workspace, number: int, kind: str, folder: Path
) -> tuple[RequestContext, dict[str, list[Answers]]]:
    """Train the models of one scene and kind that FOLDER lacks, and collect the answers of all on the forgotten rows."""
    workspace = make_scenario(source, FIRST_SCENE + number, folder / f"scene-{number}", report)
    request = open_request(workspace, kind, number)
    train_references(workspace, request.id, RETRAININGS, "cpu", lambda reference, step: report(f"{reference}", step))
    half = train_half_forgotten(workspace, request, folder / f"{number}-{kind}-half")
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, request, recommender.tokenizer)
    found = {
        "original": [collect_answers(recommender, context, False)],
        "retraining": [answers_of(one, context) for one in workspace.reference_folders(request.id)],
        "half forgotten": [answers_of(half, context)],
        "original, rescaled": [rescaled_answers(context)],
    }
    found["over-forgotten"] = [over_forgotten_answers(context, found)]
    return context, found


def scene_outcomes(source: Workspace, number: int, kind: str, folder: Path) -> list[Outcome]:
    """Verdicts of one scene and kind at each share; they are stored under the digest of all margins."""

    def stored(name: str) -> Path:
        return folder / f"{number}-{name}-{Thresholds().digest[:12]}.json"

    if not stored(kind).is_file():
        context, found = scene_answers(source, number, "random" if kind == "single" else kind, folder)
        judged = {kind: [(found, neighbours(context))]}
        if kind in ("random", "single"):  # the same models, so that their answers are collected once
            people = single_users(context.request, number)
            judged = {
                "random": [(found, neighbours(context))],
                "single": [about(user, context, found) for user in people],
            }
        for name, groups in judged.items():
            write_json(
                stored(name),
                [one for share in SHARES for group in groups for one in outcomes(number, name, share, *group)],
            )
    return [tuple(one) for one in read_json(stored(kind))]


def about(
    user: str, context: RequestContext, found: dict[str, list[Answers]]
) -> tuple[dict[str, list[Answers]], frozenset[str]]:
    """Answers of all models on one user's rows, and the training users most like this user."""
    alone = replace(context, request=replace(context.request, users=(user,)))
    return {name: [answers_about(user, one) for one in models] for name, models in found.items()}, neighbours(alone)


def answers_about(user: str, answers: Answers) -> Answers:
    rows = answers.outputs.forget.users == user
    ranked = answers.title_ranks.users == user
    return replace(
        answers,
        outputs=replace(answers.outputs, forget=select_rows(answers.outputs.forget, rows)),
        valid_mass=answers.valid_mass[rows] if len(answers.valid_mass) else answers.valid_mass,
        quantized_scores={bits: select_rows(one, rows) for bits, one in answers.quantized_scores.items()},
        title_ranks=TitleRanks(answers.title_ranks.users[ranked], answers.title_ranks.ranks[ranked]),
    )


def report(name: str, step: Step) -> bool:
    if step.number == step.total:
        print(name, flush=True)
    return False


def answers_of(folder: Path, context: RequestContext) -> Answers:
    return collect_answers(load_adapter(context.workspace, str(folder), "cpu"), context, False)


def train_half_forgotten(workspace: Workspace, request: Request, folder: Path) -> Path:
    """Retrain on the retain set and on every second forgotten row of each user."""
    if not folder.is_dir():
        recommender = fresh_adapter(workspace, "cpu", workspace.settings.seed)
        context = make_context(workspace, request, recommender.tokenizer)
        kept = [*context.split.retain, *half_rows(context)]
        settings = replace(context.finetune_settings, seed=FIRST_SEED + RETRAININGS)
        finetune(recommender.model, context.encode(kept), settings)
        save_adapter(recommender.model, folder, workspace.settings.adapter_dtype)
    return folder


def half_rows(context: RequestContext) -> list[Prompt]:
    """Training prompts of every second forgotten row of each user, without the others."""
    settings = context.workspace.settings
    events = by_user((event for prompt in context.split.forget for event in prompt.targets), settings.task)
    return [prompt for own in events.values() for prompt in windows(own[::2], settings.window)]


def rescaled_answers(context: RequestContext) -> Answers:
    """Answers of the original with each A doubled and each B halved: other bytes, the same function."""
    recommender = load_adapter(context.workspace, str(context.workspace.adapter), "cpu")
    weights = adapter_weights(recommender.model)
    put_adapter_weights(
        recommender.model, {name: value * (2 if "lora_A" in name else 0.5) for name, value in weights.items()}
    )
    return collect_answers(recommender, context, False)


def over_forgotten_answers(context: RequestContext, known: dict[str, list[Answers]]) -> Answers:
    """Answers of the original minus a multiple of the forgotten rows' task vector, found by bisection."""
    recommender = load_adapter(context.workspace, str(context.workspace.adapter), "cpu")
    original = adapter_weights(recommender.model)
    epochs = -(-48 * OVERFIT.batch_size // max(1, len(context.split.forget)))
    with preserve_adapter(recommender.model):
        finetune(recommender.model, context.encode(context.split.forget), replace(OVERFIT, epochs=epochs))
        vector = {name: value - original[name] for name, value in adapter_weights(recommender.model).items()}
    before = loss(known["original"][0])
    goal = 2 * sum(map(loss, known["retraining"])) / RETRAININGS - before  # as far behind as the original is ahead
    low, high = 0.0, 4.0
    for _ in range(OVER_STEPS):
        middle = (low + high) / 2
        put_adapter_weights(
            recommender.model, {name: value - middle * vector[name] for name, value in original.items()}
        )
        answers = collect_answers(recommender, context, False)
        low, high = (middle, high) if loss(answers) < goal else (low, middle)
    return answers


def loss(answers: Answers) -> float:
    return float(answers.outputs.forget.losses.mean())


def outcomes(
    number: int, kind: str, share: float, found: dict[str, list[Answers]], near: frozenset[str]
) -> Iterator[Outcome]:
    """Verdict on each model, against every five of the six retrainings."""
    retrained, original, margins = found["retraining"], found["original"][0], Thresholds(forgotten_share=share)
    for held_out in range(RETRAININGS):
        references = tuple(one for index, one in enumerate(retrained) if index != held_out)
        for name in MODELS:
            model = retrained[held_out] if name == "retraining" else found[name][0]
            verified = judge(Evidence(model, original, references, margins, near))
            yield kind, share, name, number, verified.verdict.value, verified.reason


def judge(evidence: Evidence) -> Verification:
    return run_suite("benchmark", evidence, FILES)


def clustered_bounds(hits: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the scenes' rates with a 95 % Clopper-Pearson interval in which each scene counts as one trial."""
    n, mean = len(hits), sum(hits) / len(hits)
    k = mean * n
    low = float(beta.ppf(0.025, k, n - k + 1)) if k > 0 else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return mean, low, high


def table(results: Sequence[Outcome], kind: str, share: float) -> list[str]:
    verdicts = [Verdict.PASS, Verdict.FAIL, Verdict.NO_TRACE, Verdict.INCONCLUSIVE]
    lines = [
        "| model | " + " | ".join(one.value for one in verdicts) + " | most frequent reason |",
        "| --- |" * 1 + " --- |" * 5,
    ]
    for name in MODELS:
        own = [one for one in results if one[:3] == (kind, share, name)]
        scenes = defaultdict(list)
        for one in own:
            scenes[one[3]].append(one[4])
        cells = [
            rate([sum(v == verdict.value for v in found) / len(found) for found in scenes.values()])
            for verdict in verdicts
        ]
        reasons = Counter(one[5] for one in own if one[5]).most_common(1)
        lines.append(f"| {name} | " + " | ".join(cells) + f" | {reasons[0][0] if reasons else ''} |")
    return [*lines, ""]


def rate(hits: Sequence[float]) -> str:
    if not hits:
        return ""
    mean, low, high = clustered_bounds(hits)
    return f"{mean:.0%} ({low:.0%} to {high:.0%})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=ROOT / "assets/demo")
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    source, results = Workspace(options.workspace), []
    for number in range(options.first, options.first + options.scenes):
        for kind in options.kinds.split(","):
            results += scene_outcomes(source, number, kind, options.folder)
            write(source, results, options)


def write(source: Workspace, results: Sequence[Outcome], options: argparse.Namespace) -> None:
    """Write the table of all scenes so far."""
    scenes = len({one[3] for one in results})
    lines = [
        f"# Error rates of the verdict: {source.settings.name}", "",
        f"Models of known truth, {scenes} scenes, {RETRAININGS} retrainings a scene and kind, each verdict against every five "
        "of them. A rate is the mean over scenes; the 95 % interval is Clopper-Pearson's with each scene as one trial. "
        f"Endpoints: {', '.join(ENDPOINTS)}. `python benchmarks/error_rates.py FOLDER --scenes {options.scenes}`, seeds from "
        f"{FIRST_SCENE + options.first}. torch {torch.__version__}, Python {platform.python_version()}.", "",
    ]  # fmt: skip
    for kind in options.kinds.split(","):
        for share in SHARES:
            lines += [f"## {KINDS[kind]}, share to forget {share:g}", "", *table(results, kind, share)]
    name = f"error_rates_{slug(source.settings.name)}.md"
    target = options.folder / name if scenes < 12 else Path(__file__).with_name(name)
    target.write_text("\n".join(lines), encoding="utf-8")
    print(f"{target}: {scenes} scenes", flush=True)


if __name__ == "__main__":
    main()
