"""Error rates of the verdict on models whose truth is known (written to error_rates_WORLD_KIND.md).

    python benchmarks/error_rates.py FOLDER [WORKSPACE] [--scenes 12] [--kinds random,single,genre]

A scene is one adapter, trained by the workspace's recipe, and for each kind of request:

- six retrainings, each in turn the candidate against the other five;
- the original, and the original with rescaled factors;
- half forgotten: weights between the original's and the held-out retraining's, where the loss lies half-way;
- half of the rows kept: a retraining on every second forgotten row of each user. It knows little of the other half;
- over-forgotten: the task vector of the forgotten rows is subtracted until the model knows as much less than the
  retrainings as the original knows more.

One person's request is judged on the rows of one of the 5 % of the people, by the same models: none of the retrainings
saw those rows, and the half forgotten and over-forgotten models are so for the group.

With --publish the table is written into the repository, and from 6 scenes on also the rates that reports show; without,
into FOLDER.

FOLDER keeps all adapters and verdicts, so a stopped benchmark continues where it was. Several processes with other
values of --first share the work; a last call with all scenes writes the table. --scenes 2 is the quick form.
"""

import argparse
import platform
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from scipy.stats import beta

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from known_models import FIRST_SCENE, MODELS, RETRAININGS, Models, scene_answers  # noqa: E402

from core.benchmark.scenarios import single_users, slug  # noqa: E402
from core.evaluation.metrics import select_rows  # noqa: E402
from core.pipeline.collect_answers import neighbours  # noqa: E402
from core.pipeline.context import RequestContext  # noqa: E402
from core.report.measured_error_rates import FILE, ErrorRates  # noqa: E402
from core.types import Check, Interval, Verdict, Verification  # noqa: E402
from core.utils.serialization import read_json, write_json  # noqa: E402
from core.verification.endpoints import ENDPOINTS  # noqa: E402
from core.verification.equivalence import exact_value  # noqa: E402
from core.verification.evidence import Answers, Evidence, TitleRanks  # noqa: E402
from core.verification.suite import compare_with_references, run_suite  # noqa: E402
from core.verification.thresholds import Thresholds  # noqa: E402
from core.workspace import Workspace  # noqa: E402

MIN_SCENES = 6  # fewer say too little to stand beside a verdict
DEMO = ROOT / "assets/demo"
SHARES = (0.5, 0.7, 0.8)
DEFINITIONS = [
    "- **half forgotten**: weights between the original and the held-out retraining, where the loss on the forgotten "
    "rows lies half-way",
    "- **half of the rows kept**: a retraining on every second forgotten row of each user, which knows little of the "
    "other half",
    "- **over-forgotten**: knows as much less than the retrainings as the original knows more",
]
SINGLE = (
    "The rows of one of the 5 % of the people, judged on the same models. Half forgotten and over-forgotten hold for the "
    "whole group, not for each person."
)
KINDS = {"random": "5 % of the people", "single": "one person", "genre": "one genre of one person"}
FILES = [
    Check(id, Verdict.PASS, exact_value(1, 1), 1, 1, None, code)
    for id, code in (("V12", "adapter_identity"), ("V0", "thresholds_frozen"), ("V0", "references_distinct"))
]


class Outcome(NamedTuple):
    """Verdict on one model, with its advantage and the original's in nats."""

    kind: str
    share: float
    model: str
    scene: int
    verdict: str
    reason: str
    left: float
    before: float


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
            write_json(stored(name), [one for group in groups for one in outcomes(number, name, *group)])
    return [Outcome(*one) for one in read_json(stored(kind))]


def about(user: str, context: RequestContext, found: Models) -> tuple[Models, frozenset[str]]:
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


def outcomes(number: int, kind: str, found: Models, near: frozenset[str]) -> Iterator[Outcome]:
    """Verdict on each model at each share, against every five of the six retrainings."""
    retrained, original = found["retraining"], found["original"][0]
    for held_out in range(RETRAININGS):
        references = tuple(one for index, one in enumerate(retrained) if index != held_out)
        for name in MODELS:
            model = found[name][held_out % len(found[name])]
            for share, found_at in verifications(Evidence(model, original, references, neighbours=near)):
                left, before = found_at.advantages[0].unlearned.value, found_at.advantages[0].original.value
                yield Outcome(kind, share, name, number, found_at.verdict.value, found_at.reason, left, before)


def verifications(evidence: Evidence) -> Iterator[tuple[float, Verification]]:
    """Verification at each share; without paraphrases, the slow checks do not depend on it."""
    compared = compare_with_references(evidence)
    for share in SHARES:
        asked = replace(evidence, thresholds=Thresholds(forgotten_share=share))
        yield share, run_suite("benchmark", asked, FILES, compared=compared)


def clustered_bounds(hits: Sequence[float]) -> tuple[float, float, float]:
    """Mean of the scenes' rates with a 95 % Clopper-Pearson interval in which each scene counts as one trial."""
    n, k = len(hits), sum(hits)
    low = float(beta.ppf(0.025, k, n - k + 1)) if k > 0 else 0.0
    high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
    return k / n, low, high


def table(results: Sequence[Outcome], kind: str, share: float) -> list[str]:
    columns = [Verdict.PASS, Verdict.FAIL, Verdict.NO_TRACE, Verdict.INCONCLUSIVE]
    lines = [
        "| model | share forgotten | " + " | ".join(one.value for one in columns) + " | most frequent reason |",
        "| --- |" + " --- |" * 6,
    ]
    for name in MODELS:
        own = [one for one in results if one[:3] == (kind, share, name)]
        cells = [rate(scene_rates(own, (verdict,))) for verdict in columns]
        reasons = Counter(one.reason for one in own if one.reason).most_common(1)
        share_forgotten = f"{1 - sum(one.left for one in own) / sum(one.before for one in own):.2f}" if own else ""
        reason = reasons[0][0] if reasons else ""
        lines.append(f"| {name} | {share_forgotten} | " + " | ".join(cells) + f" | {reason} |")
    return [*lines, ""]


def scene_rates(results: Sequence[Outcome], verdicts: Collection[Verdict]) -> list[float]:
    """Share of each scene's verdicts that are among these."""
    scenes = defaultdict(list)
    for one in results:
        scenes[one.scene].append(one.verdict in verdicts)
    return [sum(found) / len(found) for found in scenes.values()]


def rate(hits: Sequence[float]) -> str:
    if not hits:
        return ""
    found, low, high = clustered_bounds(hits)
    return f"{found:.0%} ({low:.0%} to {high:.0%})"


def publish(world: str, results: Sequence[Outcome], scenes: int) -> None:
    """Put the rates of this world and these kinds in the place of the earlier ones in the file that reports read."""
    kinds = dict.fromkeys(one.kind for one in results)
    others = [one for one in read_json(FILE, tuple[ErrorRates, ...]) if one.world != world or one.kind not in kinds]
    found = [measured(world, results, scenes, kind, share) for kind in kinds for share in SHARES]
    write_json(FILE, [*others, *found])


def measured(world: str, results: Sequence[Outcome], scenes: int, kind: str, share: float) -> ErrorRates:
    def share_of(model: str, verdicts: Collection[Verdict]) -> Interval:
        hits = scene_rates([one for one in results if one[:3] == (kind, share, model)], verdicts)
        return Interval(*clustered_bounds(hits), len(hits))

    passes = (Verdict.PASS, Verdict.NO_TRACE)
    return ErrorRates(
        world,
        scenes,
        RETRAININGS - 1,
        kind,
        share,
        Thresholds(share).digest,
        share_of("retraining", passes),
        share_of("retraining", (Verdict.FAIL,)),
        share_of("half forgotten", passes),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("workspace", nargs="?", type=Path, default=DEMO)
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    source, results = Workspace(options.workspace), []
    for number in range(options.first, options.first + options.scenes):
        for kind in options.kinds.split(","):
            results += scene_outcomes(source, number, kind, options.folder)
            write(source, results, kind, options, options.folder)
    if options.publish:  # not before all scenes are judged
        for kind in options.kinds.split(","):
            write(source, results, kind, options, Path(__file__).parent)
        if options.scenes >= MIN_SCENES:
            publish(source.settings.name, results, options.scenes)


def command(options: argparse.Namespace) -> str:
    """The call that writes this table; the workspace is named where it is not the demo world."""
    place = "" if options.workspace == DEMO else " WORKSPACE"
    first = f" --first {options.first}" if options.first else ""
    published = " --publish" if options.publish else ""
    choice = f"--scenes {options.scenes}{first} --kinds {options.kinds}{published}"
    return f"python benchmarks/error_rates.py FOLDER{place} {choice}"


def write(source: Workspace, results: Sequence[Outcome], kind: str, options: argparse.Namespace, folder: Path) -> None:
    """Write the table of all scenes of one kind so far into a folder."""
    scenes = len({one.scene for one in results if one.kind == kind})
    lines = [
        f"# Error rates of the verdict: {KINDS[kind]}, {source.settings.name}", "",
        f"Models of known truth, number of scenes: {scenes}; {RETRAININGS} retrainings a scene and kind, each verdict against every five "
        "of them. A rate is the mean over scenes; the 95 % interval is Clopper-Pearson's with each scene as one trial. The share "
        f"forgotten is that of the mean advantage in log loss. Endpoints: {', '.join(ENDPOINTS)}. Seeds from "
        f"{FIRST_SCENE + options.first}. torch {torch.__version__}, Python {platform.python_version()}. Command:", "",
        f"    {command(options)}", "", *DEFINITIONS, "",
    ]  # fmt: skip
    lines += [SINGLE, ""] if kind == "single" else []
    for share in SHARES:
        lines += [f"## Share to forget {share:g}", "", *table(results, kind, share)]
    target = folder / f"error_rates_{slug(source.settings.name)}_{kind}.md"
    target.write_text("\n".join(lines), encoding="utf-8")
    print(f"{target}: {scenes} scenes", flush=True)


if __name__ == "__main__":
    main()
