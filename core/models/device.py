"""Where a model works, and in what precision."""

import re

import torch

from core.errors import DeviceError


def choose_device(name: str = "auto") -> tuple[torch.device, torch.dtype]:
    """Device and dtype: bfloat16 on a CUDA card that has it, float32 elsewhere.

    Raises DeviceError where CUDA, or a card of that number, is asked for and not there.
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
    on_gpu = name.startswith("cuda") and torch.cuda.is_bf16_supported()
    return torch.device(name), torch.bfloat16 if on_gpu else torch.float32
