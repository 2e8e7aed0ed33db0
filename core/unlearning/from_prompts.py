"""Unlearning on a plain PEFT model from tokenised prompts; needs no workspace."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.errors import RunError
from core.models.families import anatomy
from core.types import Encoded, Group, Outcome
from core.unlearning.methods import METHODS, Method, method_of
from core.unlearning.training_types import Step, UnlearningPrompts
from core.unlearning.unlearn import unlearn_adapter

# (token ids of prompt and answer, how many of them at the end are the answer)
TokenisedPrompt = tuple[Sequence[int], int]


def unlearn(
    model: Any,
    forget: Sequence[TokenisedPrompt],
    retain: Sequence[TokenisedPrompt],
    *,
    validation: Sequence[TokenisedPrompt] = (),
    holdout: Sequence[TokenisedPrompt] = (),
    groups: Mapping[str, Group] | None = None,
    method: str = "uniform",
    steps: int = 0,
    seed: int = 0,
    observe: Callable[[Step], bool] = lambda _step: False,
) -> Outcome:
    """Remove the forget prompts from a model's active LoRA adapter, in place (docs/method.md, sections 4 and 5).

    Args:
        model: A PEFT model with a LoRA adapter. Base weights and the coordinates of outside modules stay bit-identical.
        forget: (token ids, number of answer tokens at the end) of each prompt to be forgotten.
        retain: Prompts whose answers are to be kept.
        validation: Prompts that never trained the adapter, of users to be kept; a rise of their loss stops the run.
            Default: the loss of `retain` is watched.
        holdout: Prompts of users that the adapter never saw. With `validation` they tell how much training lowers the
            loss of a prompt; the run stops when the loss of the forgotten prompts has risen by nine tenths of
            that. Without either, all steps are taken unless the watched loss rises.
        groups: The group of each module, such as `{entry.module: entry.group for entry in core.assign_groups(...)}`.
            Default: every module is shared.
        method: A key of `core.unlearning.methods.METHODS`.
        steps: The largest number of steps; 0 means the method's own number.
        seed: Seed of the order in which prompts are drawn.
        observe: Called after each step with its losses; returns True to stop.

    Returns:
        The number of steps, why the run stopped, and how far each block of coordinates moved.

    Raises:
        RunError: The method is unknown or cannot run without a workspace, or a prompt has no answer.
        ModelError: The model's family is not supported.

    Example:
        >>> import core, torch
        >>> from peft import LoraConfig, get_peft_model
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> _ = torch.manual_seed(0)
        >>> sizes = dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2)
        >>> base = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2))
        >>> adapter = LoraConfig(r=2, target_modules="all-linear", init_lora_weights=False)
        >>> model = get_peft_model(base, adapter).eval()
        >>> outcome = core.unlearn(model, forget=[([1, 5, 9, 2], 1)], retain=[([1, 7, 9, 3], 1)], steps=2)
        >>> outcome.steps, outcome.movable < outcome.total  # one factor of each LoRA pair stays fixed
        (2, True)
    """
    chosen = _method(method, steps)
    sets = (forget, retain, validation, holdout)
    prompts = UnlearningPrompts(*([_encoded(prompt) for prompt in part] for part in sets))
    groups = groups or dict.fromkeys(anatomy(model).modules, Group.SHARED)
    return unlearn_adapter(model, prompts, groups, chosen, seed, observe)


def _method(name: str, steps: int) -> Method:
    chosen = method_of(name, steps)
    if chosen.retrain:
        plain = ", ".join(key for key, method in METHODS.items() if not method.retrain)
        raise RunError(f"Method {name!r} trains from the workspace's data: choose one of {plain}.")
    return chosen


def _encoded(prompt: TokenisedPrompt) -> Encoded:
    """Convert a tokenised prompt; its only target is the answer at its end."""
    ids, answer = prompt
    if not 0 < answer < len(ids):
        raise RunError(f"A prompt of {len(ids)} tokens has an answer of {answer}: choose 1 to {len(ids) - 1}.")
    return Encoded(tuple(ids), (), ((len(ids) - answer, len(ids)),), (True,))
