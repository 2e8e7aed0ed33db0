"""Circuits and groups of one request: steps 1 and 2 of a run (core/pipeline/stages.py)."""

from collections.abc import Sequence

from core.circuit.bootstrap import bootstrap_seeds
from core.circuit.counterfactuals import STRATEGIES, find_prompt_pairs
from core.circuit.extraction import CircuitResult, ExtractedCircuit, ExtractionSettings, extract
from core.circuit.prompt_pairs import PromptPair
from core.data.splits import single_targets
from core.evaluation.direct_effects import direct_effects
from core.grouping.assign import group_modules
from core.models.recommender import Recommender
from core.pipeline.context import RequestContext
from core.pipeline.events import StageTimer
from core.types import DirectEffect, ModuleGroup, Prompt
from core.unlearning.gradient_conflict import conflicts
from core.utils.sampling import evenly_spaced

CIRCUIT_PROMPTS = 36  # of each set
CIRCUIT_HISTORY = 12  # titles before the target of a circuit prompt
CONFLICT_PROMPTS = 64  # of each set
DIRECT_EFFECT_USERS = 8  # forgotten users whose direct effects are averaged


def find_circuits(
    recommender: Recommender,
    context: RequestContext,
    seed: int,
    timer: StageTimer,
    strategies: Sequence[str] = STRATEGIES,
) -> CircuitResult:
    """Find the circuits of the forget set and of the retain set.

    Args:
        recommender: The model before unlearning.
        context: The data of the request.
        seed: Seed of the prompt pairs, the random circuits and, by `bootstrap_seeds`, the bootstrap.
        timer: Receives the stages and their progress.
        strategies: Strategies to make counterfactual prompts, a part of `counterfactuals.STRATEGIES`.
    """
    timer.stage("contrast prompts")
    prompt_sets = []
    for done, prompts in enumerate((context.split.forget, context.split.retain), 1):
        prompt_sets.append(make_prompt_pairs(recommender, context, prompts, seed, strategies=strategies))
        timer.progress(done / 2)
    timer.stage("circuit")

    def extracted(side: int) -> ExtractedCircuit:
        settings = ExtractionSettings(seed=seed, bootstrap_seed=bootstrap_seeds(seed)[side])
        return extract(recommender.model, prompt_sets[side], settings, lambda share: timer.progress((side + share) / 2))

    return CircuitResult(extracted(0), extracted(1))


def make_prompt_pairs(
    recommender: Recommender,
    context: RequestContext,
    prompts: Sequence[Prompt],
    seed: int,
    count: int = CIRCUIT_PROMPTS,
    strategies: Sequence[str] = STRATEGIES,
) -> tuple[PromptPair, ...]:
    """Make at most `count` prompt pairs from a set of prompts, each with one target and a short history."""
    singles = evenly_spaced(single_targets(prompts, CIRCUIT_HISTORY), count)
    catalogue = list(context.workspace.items.values())
    found, _ = find_prompt_pairs(
        recommender.model,
        singles,
        context.train,
        catalogue,
        context.encode,
        recommender.choices,
        seed,
        strategies=strategies,
    )
    return found


def group_by_circuit(
    recommender: Recommender, context: RequestContext, result: CircuitResult
) -> tuple[ModuleGroup, ...]:
    """Assign a group to each module by circuit, and measure the conflict of its gradients."""
    forget_set, retain_set = (
        context.encode(evenly_spaced(list(prompts), CONFLICT_PROMPTS))
        for prompts in (context.split.forget, context.split.retain)
    )
    return group_modules(*result.circuits, *result.samples, conflicts(recommender.model, forget_set, retain_set))


def find_direct_effects(recommender: Recommender, context: RequestContext) -> tuple[DirectEffect, ...]:
    """Measure the titles whose score each module raises and lowers most, for the forgotten users."""
    users = dict.fromkeys(prompt.user for prompt in context.split.forget)
    histories = [context.histories[user] for user in evenly_spaced(list(users), DIRECT_EFFECT_USERS)]
    return direct_effects(context.what_if(recommender), histories)
