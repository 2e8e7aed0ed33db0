"""Number of CPU threads that torch uses; it has to be set before torch is imported."""

import os


def reserve_one_core() -> None:
    """Let torch use all cores but one, unless `OMP_NUM_THREADS` is set.

    With one thread per core, any other busy process delays a thread, and all threads wait for the slowest. The value
    is set in the environment, so that commands without torch need not import it.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) - 1)))
