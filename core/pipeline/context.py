"""What every stage reads: a workspace's data as a request leaves it, its models, and how they read prompts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from core.data.prompts import encode, escape, template
from core.data.splits import by_user, make_split, thirds
from core.evaluation.ranking import Reader
from core.evaluation.what_if import WhatIf
from core.models.hub import resolve
from core.models.recommender import Recommender, load, new_adapter
from core.types import Encoded, Interaction, Prompt, Request, Split
from core.unlearning.finetuning import FitSettings
from core.workspace import Workspace


@dataclass(frozen=True)
class RequestContext:
    """What every stage reads: the workspace's data as the request leaves it, and how to read it as tokens."""

    workspace: Workspace
    request: Request
    split: Split
    encode: Callable[[Sequence[Prompt]], list[Encoded]]
    reader: Reader

    @property
    def recipe(self) -> FitSettings:
        settings = self.workspace.settings
        return FitSettings(settings.epochs, settings.learning_rate, settings.batch_size, seed=settings.seed)

    @property
    def train(self) -> list[Interaction]:
        """Everything that the model learned, the request's part too."""
        return [event for prompt in self.split.retain + self.split.forget for event in prompt.targets]

    @cached_property
    def histories(self) -> dict[str, list[Interaction]]:
        """What the model learned from each member."""
        found = by_user(self.workspace.interactions, self.workspace.settings.task)
        return {user: thirds(found[user])[0] for user in self.workspace.user_split.members}

    def what_if(self, recommender: Recommender) -> WhatIf:
        """The recommender, ready to be asked what it would say with parts switched off."""
        return WhatIf(recommender, self.reader, self.workspace.items, self.train)


def load_adapter(workspace: Workspace, adapter: str | None, device: str) -> Recommender:
    """The workspace's base model with one of its adapters."""
    settings, words = workspace.settings, template(workspace.settings.task)
    return load(
        workspace.path(settings.base), adapter, settings.task, (words.yes, words.no), device, settings.base_revision
    )


def fresh_adapter(workspace: Workspace, device: str, seed: int) -> Recommender:
    """The workspace's base model with a new, untrained adapter."""
    settings, plain = workspace.settings, load_adapter(workspace, None, device)
    base = resolve(workspace.path(settings.base), settings.base_revision)
    return replace(plain, model=new_adapter(plain.model, settings.rank, base, seed))


def make_context(workspace: Workspace, request: Request | None, tokenizer: Any) -> RequestContext:
    """The split of a request and the functions that turn its prompts into tokens."""
    settings = workspace.settings
    titles = {item.id: escape(item.title) for item in workspace.items.values()}
    split = make_split(workspace.interactions, workspace.user_split, request, settings.window, settings.task)
    counts: dict[str, int] = dict.fromkeys(workspace.items, 0)
    for prompt in split.retain:
        for event in prompt.targets:
            counts[event.item] += 1
    popular = tuple(sorted(counts, key=lambda item: (-counts[item], item)))

    def to_tokens(prompts: Sequence[Prompt]) -> list[Encoded]:
        return encode(prompts, titles, settings.task, tokenizer)

    return RequestContext(
        workspace, request or Request(""), split, to_tokens, Reader(to_tokens, popular, settings.window)
    )
