"""Speed on SmolLM2-135M: each part of the product beside the plain form of the same work, in turn in one process.

    python benchmarks/real_model.py        writes benchmarks/real_model.md; about a quarter of an hour on one idle core

Needs the base: python -m core base fetch smollm2-135m. The data are the fictional cinema's: 20 people with 16 ratings.
Speed does not depend on what an adapter learned, so it is trained for one epoch.
"""

import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
import transformers
from torch import nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.circuit.attribution import attribute_pairs  # noqa: E402
from core.demo.world import make_world  # noqa: E402
from core.evaluation.evaluate import candidates, open_prompt  # noqa: E402
from core.evaluation.predictions import predict  # noqa: E402
from core.evaluation.ranking import candidate_prompts, score_candidates  # noqa: E402
from core.models.recommender import Recommender  # noqa: E402
from core.pipeline.circuit_stage import make_prompt_pairs  # noqa: E402
from core.pipeline.context import RequestContext, fresh_adapter, load_adapter, make_context  # noqa: E402
from core.pipeline.prepare import Scratch, prepare  # noqa: E402
from core.types import Encoded  # noqa: E402
from core.unlearning.finetuning import finetune  # noqa: E402
from core.workspace import Workspace, WorkspaceSettings  # noqa: E402

REPEATS, WARM = 4, 1
STEPS, PROMPTS, TITLES, PAIRS = 3, 12, 60, 4
RULE, POINTS = "midpoint", 5
SETTINGS = WorkspaceSettings(name="cinema on SmolLM2", data="core.demo.world, seed 7", window=8, epochs=1, learning_rate=1e-3, rank=4, batch_size=4, base="smollm2-135m")  # fmt: skip
IGNORED = -100  # label that Transformers leaves out of its loss
Work = Callable[[], object]


@dataclass(frozen=True)
class Part:
    """One part of the product.

    Attributes:
        name: What it does.
        plain_name: The plain form of the same work.
        ours: Does it.
        plain: Does it in the plain form.
        goal: The largest acceptable ratio.
    """

    name: str
    plain_name: str
    ours: Work
    plain: Work
    goal: str


class Plain:
    """What somebody would write with PEFT and Transformers: prompts padded to the longest, one call of the model."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.parameters = [one for name, one in model.named_parameters() if "lora_" in name]

    def batch(self, prompts: Sequence[Encoded]) -> dict[str, torch.Tensor]:
        """Token ids, mask and labels, padded on the right."""
        length = max(len(one.ids) for one in prompts)
        ids = torch.zeros(len(prompts), length, dtype=torch.long)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, IGNORED)
        for row, one in enumerate(prompts):
            ids[row, : len(one.ids)], mask[row, : len(one.ids)] = torch.tensor(one.ids), 1
            for start, stop in one.answers:
                labels[row, start:stop] = ids[row, start:stop]
        return {"input_ids": ids, "attention_mask": mask, "labels": labels}

    def train(self, batches: Sequence[Sequence[Encoded]]) -> None:
        """One AdamW step for each batch."""
        optimiser = torch.optim.AdamW(self.parameters, lr=1e-6)
        for prompts in batches:
            self.model(**self.batch(prompts)).loss.backward()
            optimiser.step()
            optimiser.zero_grad()

    @torch.no_grad()
    def forward(self, batches: Sequence[Sequence[Encoded]]) -> None:
        """The logits of each batch."""
        for prompts in batches:
            inputs = self.batch(prompts)
            del inputs["labels"]
            self.model(**inputs)

    def attribute(self, ids: Sequence[tuple[int, ...]]) -> None:
        """POINTS + 1 forward passes and POINTS backward passes to the embeddings: the least that POINTS gradients need."""
        tokens, embed = torch.tensor(ids), self.model.get_input_embeddings()
        with torch.no_grad():
            self.model(input_ids=tokens, logits_to_keep=1)
        for _ in range(POINTS):
            embeddings = embed(tokens).detach().requires_grad_(True)
            self.model(inputs_embeds=embeddings, logits_to_keep=1).logits.max(-1).values.sum().backward()


def make_workspace(folder: Path) -> Workspace:
    """A small workspace on SmolLM2."""
    return prepare(
        make_world(films=160, people=20, ratings=(16, 16)),
        folder,
        SETTINGS,
        Scratch(held_out_share=0.2),
        lambda *_: False,
    )


def parts(recommender: Recommender, context: RequestContext) -> Iterator[Part]:
    """The parts of a run that cost time."""
    plain, setup = Plain(recommender.model), context.prompt_setup
    yield _training(plain, context)
    for parameter in plain.parameters:
        parameter.requires_grad_(False)
    prompts = context.split.retain[:PROMPTS]
    whole = [context.encode(prompts)]
    yield Part(
        f"answers to {PROMPTS} prompts", "one padded forward pass",
        lambda: predict(recommender, prompts, setup), lambda: plain.forward(whole), "1.25",
    )  # fmt: skip
    history = next(iter(context.histories.values()))
    asked, titles = open_prompt(history, setup), candidates(history, setup)[:TITLES]
    rows = context.encode(candidate_prompts(asked, titles))
    chunks = [rows[i : i + PROMPTS] for i in range(0, TITLES, PROMPTS)]
    yield Part(
        f"ranking of {TITLES} titles for one user", "a whole prompt for each title",
        lambda: score_candidates(recommender, asked, titles, setup), lambda: plain.forward(chunks), "-",
    )  # fmt: skip
    pairs = make_prompt_pairs(recommender, context, context.split.retain, 0, PAIRS)
    longest = max(len(pair.ids) for pair in pairs)
    ids = [pair.ids + (0,) * (longest - len(pair.ids)) for pair in pairs]
    yield Part(
        f"attribution of all edges, {len(pairs)} pairs, {POINTS} points", f"{POINTS + 1} forward and {POINTS} backward passes",
        lambda: attribute_pairs(recommender.model, pairs, POINTS, RULE), lambda: plain.attribute(ids), "1.25",
    )  # fmt: skip


def _training(plain: Plain, context: RequestContext) -> Part:
    size = SETTINGS.batch_size
    prompts = context.encode(context.split.retain)[: STEPS * size]
    batches = [prompts[i : i + size] for i in range(0, len(prompts), size)]
    return Part(
        f"LoRA training, {len(batches)} steps of {size} prompts", "PEFT model, loss of Transformers, AdamW",
        lambda: finetune(plain.model, prompts, context.finetune_settings), lambda: plain.train(batches), "0.5",
    )  # fmt: skip


def measured(part: Part) -> str:
    """Row of one part: REPEATS pairs in alternating order, and the median of their ratios with their range."""
    pairs = []
    for number in range(WARM + REPEATS):
        works = {"ours": part.ours, "plain": part.plain}
        order = sorted(works, reverse=bool(number % 2))
        pairs.append({name: seconds(works[name]) for name in order})
    pairs = pairs[WARM:]
    ratios = sorted(one["ours"] / one["plain"] for one in pairs)
    ours, plain = (median(one[name] for one in pairs) for name in ("ours", "plain"))
    print(part.name, ratios, flush=True)
    return (
        f"| {part.name} | {ours:.2f} | {part.plain_name} | {plain:.2f} | {median(ratios):.2f} [{ratios[0]:.2f}, "
        f"{ratios[-1]:.2f}] | {part.goal} |"
    )


def seconds(work: Work) -> float:
    """Seconds of a piece of work."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def what_if(recommender: Recommender, context: RequestContext) -> str:
    """Seconds until one user's list with a head off is there: the first time, and for another head."""
    opening, next_head = [], []
    for history in list(context.histories.values())[:REPEATS]:
        started = time.perf_counter()
        scenario = context.what_if(recommender).for_user(history)
        scenario.top({"a10.h1": 0.0})
        opening.append(time.perf_counter() - started)
        next_head.append(seconds(lambda scenario=scenario: scenario.top({"a20.h2": 0.0})))
    return (
        f"A user's list of 10 among {len(candidates(history, context.prompt_setup))} titles with one head off: "
        f"{median(opening):.1f} s the first time ({min(opening):.1f} to {max(opening):.1f}; goal 2 with two cores, of which one works here), "
        f"{median(next_head):.1f} s for another head; n = {len(opening)} users."
    )


def peak_of_training(folder: Path) -> str:
    """Peak memory of a process that trains on 24 prompts."""
    code = (
        "import resource, sys; from benchmarks.real_model import *; torch.set_num_threads(1); w = Workspace(Path(sys.argv[1])); "
        "r = fresh_adapter(w, 'cpu', 0); c = make_context(w, None, r.tokenizer); "
        "finetune(r.model, c.encode(c.split.retain)[:24], c.finetune_settings); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return f"Peak memory of a process that trains in float32: {float(told.stdout.split()[-1]):.2f} GB (goal 3)."


def main() -> None:
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as scratch:
        workspace = make_workspace(Path(scratch) / "cinema")
        recommender = fresh_adapter(workspace, "cpu", 0)
        context = make_context(workspace, None, recommender.tokenizer)
        rows = [measured(part) for part in parts(recommender, context)]
        lengths = [len(one.ids) for one in context.encode(context.split.retain)]
        served = load_adapter(workspace, str(workspace.adapter), "cpu")
        notes = [what_if(served, context), peak_of_training(workspace.root)]
    lines = [
        "# Speed on SmolLM2-135M", "",
        f"Written by `python benchmarks/real_model.py`. Medians of {REPEATS} pairs, timed in turn in alternating order in one "
        "process on one core; the ratio is the median of the pairs' ratios, with their range in brackets (it holds the "
        f"median with {100 * (1 - 2 ** (1 - REPEATS)):.0f}% confidence). Prompts of {min(lengths)} to {max(lengths)} tokens. "
        f"{platform.machine()}, float32, torch {torch.__version__}, transformers {transformers.__version__}, Python "
        f"{platform.python_version()}.", "",
        "| work | seconds | plain form | seconds | ratio | goal |", "| --- " * 6 + "|", *rows, "", *notes, "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
