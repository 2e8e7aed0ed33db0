"""Choice of the device and of the numerical precision of a model."""

import re

import torch

from core.errors import DeviceError


def choose_device(name: str = "auto") -> tuple[torch.device, torch.dtype]:
    """Device and dtype for a model: bfloat16 on a CUDA GPU that supports it, float32 elsewhere.

    Args:
        name: "auto" (CUDA if there is a GPU, else the CPU), "cpu", "cuda" or "cuda:NUMBER".

    Raises:
        DeviceError: The name is unknown, or this machine has no such GPU.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise DeviceError(f"Device {name!r} is unknown: choose auto, cpu, cuda or cuda:NUMBER.")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise DeviceError(f"Device {name!r} was asked for but this machine has no CUDA device: choose auto or cpu.")
    if (number := name.partition(":")[2]) and int(number) >= torch.cuda.device_count():
        raise DeviceError(
            f"Device {name!r} was asked for but this machine has {torch.cuda.device_count()}: count from 0."
        )
    use_bfloat16 = name.startswith("cuda") and torch.cuda.is_bf16_supported()
    return torch.device(name), torch.bfloat16 if use_bfloat16 else torch.float32
