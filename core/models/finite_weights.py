"""Weights that are no finite numbers, found by reading a file of safetensors one weight after the other."""

from pathlib import Path

import torch
from safetensors import safe_open

from core.errors import ModelError
from core.models.base_fit import weight_files


def first_not_finite(path: Path) -> str | None:
    """Name of the first weight that holds NaN or an infinite value as a float32."""
    with safe_open(path, framework="pt") as stored:
        names = stored.keys()
        return next((name for name in names if not torch.isfinite(stored.get_tensor(name).float()).all()), None)


def check_finite_base(base: Path) -> None:
    """Require finite weights in a base model's folder, which `check_folder` has passed.

    Raises:
        ModelError: A weight is not finite.
    """
    for path in weight_files(base):
        if name := first_not_finite(path):
            raise ModelError(f"Base model {base} has a weight that is not a finite number, in {name}: restore {path}.")
