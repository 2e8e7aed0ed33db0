"""Groups of modules from a forget and a retain circuit of a plain model; needs no workspace."""

from collections.abc import Mapping

from core.circuit.extraction import ExtractedCircuit
from core.errors import RunError
from core.grouping.assign import group_modules
from core.types import ModuleGroup


def assign_groups(
    forget: ExtractedCircuit,
    retain: ExtractedCircuit,
    conflict: Mapping[str, float] | None = None,
) -> tuple[ModuleGroup, ...]:
    """Sort every module into forget, retain, shared or outside (docs/method.md, section 3).

    Args:
        forget: What `core.extract_circuit` returned for the forget set.
        retain: What it returned for the retain set of the same model.
        conflict: Cosine of the forget and the retain gradient, by module that the adapter reaches; recorded in the
            result, not used by the rule. None if it was not measured: the result then says nothing of adapters.

    Returns:
        One entry for each module, in model order.

    Raises:
        RunError: The circuits belong to different models.

    Example:
        >>> import core, torch
        >>> from transformers import LlamaConfig, LlamaForCausalLM
        >>> _ = torch.manual_seed(0)
        >>> sizes = dict(vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2)
        >>> model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2)).eval()
        >>> def pairs(word):
        ...     return [([1, word, 9, 2], [1, word + 1, 9, 2], *tokens) for tokens in ((11, 12), (12, 11))]
        >>> groups = core.assign_groups(*(core.extract_circuit(model, pairs(word)) for word in (5, 7)))
        >>> [entry.module for entry in groups]
        ['a0.h0', 'a0.h1', 'm0', 'a1.h0', 'a1.h1', 'm1']
    """
    if forget.circuit.modules != retain.circuit.modules:
        raise RunError("The forget and the retain circuit have different modules: extract both from the same model.")
    return group_modules(forget.circuit, retain.circuit, forget.sample, retain.sample, conflict)
