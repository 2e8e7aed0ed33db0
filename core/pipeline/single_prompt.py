"""The graph of one prompt of a workspace: why the model answers as it does for one user and one title."""

from collections.abc import Callable
from dataclasses import dataclass

from core.circuit.counterfactuals import find_prompt_pairs
from core.circuit.prompt_graph import PromptAttribution, attribute_prompt, prune
from core.circuit.prompt_pairs import PromptPair
from core.data.splits import single_targets, targets_with_history
from core.errors import RunError
from core.models.recommender import Recommender
from core.pipeline.circuit_stage import CIRCUIT_HISTORY
from core.pipeline.context import RequestContext
from core.types import Prompt, PromptCircuit


@dataclass(frozen=True)
class SinglePrompt:
    """One prompt with the scores of all its nodes and edges.

    Attributes:
        prompt: The history and, last, the target.
        columns: Text of each part of the prompt, in reading order: the instruction, then the titles.
        pair: The prompt and its counterfactual prompt, as tokens.
        attribution: The scores.
    """

    prompt: Prompt
    columns: tuple[str, ...]
    pair: PromptPair
    attribution: PromptAttribution

    def circuit(self, size: int, name: str, model: str) -> PromptCircuit:
        """The `size` strongest nodes as a graph; arguments are those of `prompt_graph.prune`."""
        return prune(self.attribution, size, name, model, self.columns)


def trace_prompt(
    recommender: Recommender,
    context: RequestContext,
    user: str,
    item: str,
    seed: int = 0,
    pair: PromptPair | None = None,
    progress: Callable[[float], None] = lambda _share: None,
) -> SinglePrompt:
    """Score every module at every part of one prompt, as the circuit stage scores a set of prompts.

    Args:
        recommender: The model.
        context: The data of a request.
        user: A training user.
        item: The target, one of `splits.targets_with_history`.
        seed: Seed of the counterfactual prompt.
        pair: The pair of another model's `SinglePrompt`, so that both models are compared on the same counterfactual
            prompt; without it, one is searched for.
        progress: Called with the share of the work done; it may raise to stop.

    Raises:
        RunError: The user has no such title, or no title of the history can be replaced, or that changes nothing.
    """
    history = context.histories.get(user, [])
    if item not in targets_with_history(history):
        raise RunError(f"User {user!r} has no title {item!r} behind a history: choose one of the user's titles.")
    last = max(index for index, event in enumerate(history) if event.item == item)
    (prompt,) = single_targets([Prompt(user, tuple(history[: last + 1]), last)], CIRCUIT_HISTORY)
    pair = pair or _pair(recommender, context, prompt, seed)
    progress(0.1)
    found = attribute_prompt(recommender.model, pair, progress=lambda share: progress(0.1 + 0.9 * share))
    return SinglePrompt(prompt, _columns(context, prompt, found.slots), pair, found)


def _pair(recommender: Recommender, context: RequestContext, prompt: Prompt, seed: int) -> PromptPair:
    catalogue = list(context.workspace.items.values())
    pairs, _ = find_prompt_pairs(
        recommender.model, [prompt], context.train, catalogue, context.encode, recommender.choices, seed
    )
    if not pairs:
        raise RunError(f"No title before {prompt.events[-1].item!r} can be replaced: choose another title.")
    return pairs[0]


def _columns(context: RequestContext, prompt: Prompt, slots: tuple[int, ...]) -> tuple[str, ...]:
    """Text of each part: the template's instruction, or the title of an interaction counted from the target back."""
    items, words = context.workspace.items, context.workspace.template
    return tuple(items[prompt.events[-slot].item].title if slot else words.instruction for slot in slots)
