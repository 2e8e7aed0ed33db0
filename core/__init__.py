"""CURE Lens: unlearn people's data in LLM recommenders, and verify that it is gone.

The public API. Each name is loaded on first use, so that `import core` itself loads neither torch nor transformers:

- `attribute`, `extract_circuit`: find the modules of a plain Hugging Face model that produce an answer.
- `assign_groups`: sort the modules of a forget and a retain circuit into forget, retain, shared and outside.
- `unlearn`: remove tokenised prompts from the LoRA adapter of a PEFT model.
- `evaluate`: measure an adapter of a workspace.
- `verify`: check a finished run of a workspace against retrained references.

Example:
    >>> import core
    >>> core.__all__
    ['assign_groups', 'attribute', 'evaluate', 'extract_circuit', 'unlearn', 'verify']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from core.circuit.pairs import attribute, extract_circuit
    from core.grouping.from_circuits import assign_groups
    from core.pipeline.evaluate_adapter import evaluate
    from core.runs.verify_run import verify
    from core.unlearning.from_prompts import unlearn

__version__ = "0.2.0"
__all__ = ["assign_groups", "attribute", "evaluate", "extract_circuit", "unlearn", "verify"]

# The module that defines each public name.
_LAZY = {
    "assign_groups": "core.grouping.from_circuits",
    "attribute": "core.circuit.pairs",
    "evaluate": "core.pipeline.evaluate_adapter",
    "extract_circuit": "core.circuit.pairs",
    "unlearn": "core.unlearning.from_prompts",
    "verify": "core.runs.verify_run",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use (PEP 562). Raises AttributeError for any other name."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value = getattr(import_module(_LAZY[name]), name)
    return value


def __dir__() -> list[str]:
    """List the public names too, before they are loaded."""
    return sorted({*globals(), *__all__})
