"""Request context: the data of a workspace as one request divides it, its models, and the encoding of prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from peft import LoraConfig

from core.data.prompts import encode, escape
from core.data.splits import by_user, make_split, split_by_time
from core.evaluation.ranking import PromptSetup
from core.evaluation.what_if import WhatIf
from core.models.hub import resolve
from core.models.lora_recipe import config_of_recipe, lora_config
from core.models.recommender import Recommender, load, new_adapter
from core.types import Encoded, Interaction, Prompt, Request, Split
from core.unlearning.finetuning import FinetuneSettings
from core.workspace import Workspace


@dataclass(frozen=True)
class RequestContext:
    """The inputs that all stages of a run share.

    Attributes:
        workspace: The workspace of the request.
        request: The request; an empty one where only the workspace is trained.
        interactions: All interactions, read once: prompts and histories share them.
        split: The forget, retain, validation, test and held-out prompts.
        encode: Turns prompts into token ids.
        prompt_setup: Encodes prompts and candidates for scoring and ranking.
    """

    workspace: Workspace
    request: Request
    interactions: Sequence[Interaction]
    split: Split
    encode: Callable[[Sequence[Prompt]], list[Encoded]]
    prompt_setup: PromptSetup

    @property
    def finetune_settings(self) -> FinetuneSettings:
        """Settings that the workspace's adapter was trained with."""
        settings = self.workspace.settings
        return FinetuneSettings(
            settings.epochs, settings.learning_rate, settings.batch_size, seed=settings.seed, average=settings.average
        )

    @property
    def train(self) -> list[Interaction]:
        """All training interactions: those of the retain set and of the forget set."""
        return [event for prompt in self.split.retain + self.split.forget for event in prompt.targets]

    @cached_property
    def histories(self) -> dict[str, list[Interaction]]:
        """Training interactions by training user."""
        interactions = by_user(self.interactions, self.workspace.settings.task)
        return {user: split_by_time(interactions[user])[0] for user in self.workspace.user_split.training_users}

    @cached_property
    def forgotten_titles(self) -> frozenset[str]:
        """All titles in the training interactions of the forgotten users."""
        return frozenset(event.item for user in self.request.subjects for event in self.histories[user])

    def what_if(self, recommender: Recommender) -> WhatIf:
        """Prepare the recommender for questions with some of its modules steered."""
        return WhatIf(recommender, self.prompt_setup, self.workspace.items, self.train)


def title_similarity(user: str, context: RequestContext) -> float:
    """Jaccard similarity of a user's titles and the forgotten users' titles.

    Returns:
        Titles that both sides have, divided by titles that either side has; 0 where neither side has any.
    """
    own = {event.item for event in context.histories[user]}
    return len(own & context.forgotten_titles) / max(1, len(own | context.forgotten_titles))


def load_adapter(workspace: Workspace, adapter: str | None, device: str) -> Recommender:
    """Load the workspace's base model with one of its adapters, or without an adapter."""
    settings, words = workspace.settings, workspace.template
    return load(workspace.base, adapter, settings.task, (words.yes, words.no), device, settings.base_revision)


def fresh_adapter(workspace: Workspace, device: str, seed: int) -> Recommender:
    """Load the workspace's base model with a new, untrained adapter."""
    plain, base = load_adapter(workspace, None, device), resolve(workspace.base, workspace.settings.base_revision)
    return replace(plain, model=new_adapter(plain.model, adapter_recipe(workspace), base, seed))


def adapter_recipe(workspace: Workspace) -> LoraConfig:
    """Configuration of a new adapter: the given adapter's own, else the one of all adapters that are trained here."""
    if workspace.recipe is None:
        return lora_config(workspace.settings.rank)
    return config_of_recipe(workspace.recipe, workspace.layout.recipe)


def make_context(workspace: Workspace, request: Request | None, tokenizer: Any) -> RequestContext:
    """Split the workspace's data for a request and prepare the encoding of its prompts.

    Args:
        workspace: The workspace.
        request: The request; None puts all training users into the retain set.
        tokenizer: The tokenizer of the workspace's models.
    """
    settings = workspace.settings
    titles = {item.id: escape(item.title) for item in workspace.items.values()}
    interactions = list(workspace.interactions)
    split = make_split(interactions, workspace.user_split, request, settings.window, settings.task)

    def to_tokens(prompts: Sequence[Prompt]) -> list[Encoded]:
        return encode(prompts, titles, workspace.template, tokenizer)

    prompt_setup = PromptSetup(to_tokens, _by_popularity(workspace, split), settings.window)
    return RequestContext(workspace, request or Request(""), interactions, split, to_tokens, prompt_setup)


def _by_popularity(workspace: Workspace, split: Split) -> tuple[str, ...]:
    """Item ids, those with most interactions in the retain set first."""
    counts: dict[str, int] = dict.fromkeys(workspace.items, 0)
    for prompt in split.retain:
        for event in prompt.targets:
            counts[event.item] += 1
    return tuple(sorted(counts, key=lambda item: (-counts[item], item)))
