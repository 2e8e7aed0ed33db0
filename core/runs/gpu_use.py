"""Load and memory of the GPU on which a run works."""

import torch

from core.types import GpuUse


def gpu_use(device: torch.device) -> GpuUse | None:
    """Measure a GPU as a whole, whichever processes use it; None for the CPU.

    The load is known only where the package nvidia-ml-py is installed: torch reads it from there and does not bring it.
    """
    if device.type != "cuda":
        return None
    free, total = torch.cuda.mem_get_info(device)
    try:
        load = torch.cuda.utilization(device)
    except Exception:  # the package is missing, or the driver does not tell: it has error types of its own
        load = None
    return GpuUse(load, total - free, total)
