"""Device locks: one worker per device, of all workspaces of a user on a machine."""

import os
import resource
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import torch

from core.errors import DeviceError
from core.runs.launcher_options import options_of
from core.runs.machine_locks import is_free, take_lock
from core.workspace import Workspace


def usable_devices(device: str) -> tuple[str, ...]:
    """Full names of this machine's devices that a run on `device` may take."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda":
        return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))
    return (device,)


def gpu_count(workspace: Workspace, launcher: str) -> int:
    """Number of GPUs over which one process lays out a model. Raises as `options_of` does."""
    return int(options_of(workspace, launcher).get("cards", 1))


def take(devices: Sequence[str], count: int = 1) -> tuple[list[str], ExitStack] | None:
    """Lock `count` free devices.

    Returns:
        Their names and a stack that releases them when closed; None where too few are free.

    Raises:
        WorkspaceError: A lock file cannot be created.
    """
    taken: list[str] = []
    held = ExitStack()
    for device in devices:
        if len(taken) < count and (file := take_lock(lock_name(device))):
            taken.append(device)
            held.enter_context(file)
    if len(taken) == count:
        return taken, held
    held.close()
    return None


def choices(device: str, count: int) -> tuple[tuple[str, ...], int]:
    """Devices to choose from, and how many of them to take.

    Args:
        device: "auto", "cpu", "cuda" or a full name.
        count: How many GPUs; a CPU is shared.

    Raises:
        DeviceError: The machine has fewer devices.
    """
    wanted = usable_devices(device)
    count = 1 if wanted == ("cpu",) else count
    if count > len(wanted):
        raise DeviceError(
            f"The run needs {count} GPUs and this machine has {len(wanted)}: "
            "lower `processes` or `cards` under clusters in workspace.json."
        )
    return wanted, count


def free(devices: Sequence[str]) -> tuple[str, ...]:
    """The devices that no worker holds now."""
    return tuple(device for device in devices if is_free(lock_name(device)))


def lock_name(device: str) -> str:
    """The name of a device's lock, the same for all processes of this machine."""
    return f"{device.partition(':')[0]}{gpu_id(device)}"


def gpu_id(device: str) -> str:
    """The machine's own number or id of a GPU, undoing CUDA_VISIBLE_DEVICES; "" for a CPU."""
    number = device.partition(":")[2]
    visible = [one for one in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if one]
    return visible[int(number)] if number and visible else number


def peak_memory(device: torch.device) -> int:
    """Peak memory of this process in bytes: of its GPUs where it uses them, else of the machine."""
    if device.type == "cuda":
        return sum(torch.cuda.max_memory_allocated(number) for number in range(torch.cuda.device_count()))
    # VmHWM counts this program only; getrusage also counts what ran in the process before it.
    if (status := Path("/proc/self/status")).is_file():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
