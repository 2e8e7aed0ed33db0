"""The worker command, the same for every launcher."""

from collections.abc import Mapping
from typing import Any

from core.runs.handle import RunHandle
from core.utils.commands import PYTHON


def command(run: RunHandle, options: Mapping[str, Any]) -> list[str]:
    """The worker command of a run.

    Args:
        run: The run.
        options: `processes` is the number of processes that train together on one machine, each on its own GPU. The
            worker reads `cards` itself: the number of GPUs over which one process lays out a large model.
    """
    count = options.get("processes", 1)
    worker = [*PYTHON, "-m", "core", "worker", str(run.path)]
    together = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}", "--no-python"]
    return [*PYTHON, *together, *worker] if count > 1 else worker
