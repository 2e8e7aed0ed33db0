"""Whether the rows of some requests are enough for a verdict with power, before any of them is run."""

import logging
from collections.abc import Sequence

from core.data.splits import forget_set
from core.errors import RequestError
from core.runs.handle import runs
from core.types import Request, RowsNeeded, Verification
from core.utils.listing import Listing
from core.verification.power import has_advantage, measures_noise, rows_for_verdict
from core.workspace import Workspace

log = logging.getLogger("core")


def rows_needed(workspace: Workspace, requests: Sequence[Request]) -> RowsNeeded:
    """Compare the rows of some requests with those that a verdict takes.

    Args:
        workspace: The workspace. Of its verifications, the one with the most rows tells the noise best.
        requests: The requests, as if they were one batch.
    """
    measured = _measured(workspace)
    needed = rows_for_verdict(measured, workspace.settings.forgotten_share) if measured else None
    together = sum(max(1, len(one.members)) for one in requests)
    known, advantage = measured is not None, measured is None or has_advantage(measured)
    return RowsNeeded(together, _training_rows(workspace, requests), known, needed, advantage)


def _measured(workspace: Workspace) -> Verification | None:
    found = Listing.read(runs(workspace), lambda run: run.verification)
    for sentence in found.damaged:
        log.warning("a verification tells nothing: %s", sentence)
    known = [one for one in found if one and measures_noise(one)]
    return max(known, key=lambda one: one.advantages[0].original.n, default=None)


def _training_rows(workspace: Workspace, requests: Sequence[Request]) -> int:
    union, settings = Request.union("rows", requests), workspace.settings
    try:
        forgotten = forget_set(workspace.interactions, workspace.user_split, union, settings.window, settings.task)
    except RequestError:  # all of them are newer than the training data
        return 0
    return sum(len(prompt.targets) for prompt in forgotten)
