"""How many threads torch may take, said before anybody imports it."""

import os


def reserve_one_core() -> None:
    """Let torch use all cores but one, unless `OMP_NUM_THREADS` says otherwise: threads that wait for a busy one crawl.

    Said in the environment, which torch reads when it is imported: most commands do without it.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) - 1)))
