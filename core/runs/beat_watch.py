"""Heartbeats of other machines, by this process's own clock: clocks of two machines are never compared.

A worker on another machine is silent for as long as this process has watched its last heartbeat without a change. A
command that looks once has watched for no time, and takes the written state as it is.
"""

from pathlib import Path

from core.runs.process_identity import Moment

_FIRST_SEEN: dict[tuple[Path, str], tuple[Moment, Moment]] = {}  # by store and run: the last heartbeat, and when seen


def by_own_clock(store: Path, run_id: str, beat: Moment, now: Moment) -> Moment:
    """When a heartbeat was sent; where the writer's clock is another one, when this process first saw it.

    Args:
        store: The file of the run's store.
        run_id: The run.
        beat: The written heartbeat. Every heartbeat differs from the one before.
        now: The current moment.
    """
    if beat.boot == now.boot:
        return beat
    known = _FIRST_SEEN.get((store, run_id))
    if known is None or known[0] != beat:
        known = _FIRST_SEEN[store, run_id] = (beat, now)
    return known[1]
