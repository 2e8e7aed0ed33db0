"""Training of one retrained reference of a request."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from core.models.saved_adapter import save_adapter
from core.pipeline.context import fresh_adapter, make_context
from core.pipeline.training_inputs import training_inputs
from core.types import Request
from core.unlearning.finetuning import finetune
from core.unlearning.training_types import Step
from core.workspace import Workspace


class TrainedReference(NamedTuple):
    """A reference that was trained.

    Attributes:
        inputs: Digest of what it learned from (`training_inputs`).
        digests: SHA-256 of its adapter as it was saved, by "weights" and "config".
    """

    inputs: str
    digests: Mapping[str, str]


def train_reference(
    workspace: Workspace, request: Request, seed: int, device: str, folder: Path, watch: Callable[[Step], bool]
) -> TrainedReference:
    """Train one retrained reference: the adapter's own recipe on the same base model, without the request's data.

    Args:
        workspace: The workspace of the request.
        request: The request whose data is left out.
        seed: Seed of the order of the prompts. The start is that of an adapter that was trained here, which is part of
            its recipe and makes retrained models agree better; the start of a given adapter is not known.
        device: The device to train on.
        folder: Where the adapter is saved.
        watch: Receives each step; True ends the training.

    Returns:
        What it learned from, and what was saved.
    """
    recommender = fresh_adapter(workspace, device, workspace.settings.seed)
    context = make_context(workspace, request, recommender.tokenizer)
    prompts, inputs = context.encode(context.split.retain), training_inputs(context)
    finetune(recommender.model, prompts, replace(context.finetune_settings, seed=seed), watch)
    return TrainedReference(inputs, save_adapter(recommender.model, folder, workspace.settings.adapter_dtype))
