"""Time left of a run: its stage by the stage's own pace, later stages by their typical shares, scaled to this run."""

from dataclasses import dataclass, field

SHORTEST = 1.0  # seconds over which a pace is measured


@dataclass
class StageClock:
    """Clock of the stages of one run.

    Attributes:
        shares: Typical share of each stage in a run's time, in their order.
    """

    shares: dict[str, float]
    _name: str = ""
    _started: float = 0.0
    _finished: dict[str, float] = field(default_factory=dict)  # seconds of each stage
    _first: tuple[float, float] | None = None  # seconds and share done at the first report of the stage
    _last: tuple[float, float] | None = None

    def start(self, name: str, seconds: float) -> None:
        """End the current stage and start the next.

        Args:
            name: The next stage.
            seconds: Seconds since the run started.
        """
        if self._name:
            self._finished[self._name] = seconds - self._started
        self._name, self._started, self._first, self._last = name, seconds, None, None

    def report(self, share: float, seconds: float) -> None:
        """Take the share of the stage that is done, from 0 to 1."""
        self._first = self._first or (seconds, share)
        self._last = seconds, share

    def stage_left(self) -> float | None:
        """Seconds left of the stage at its own pace; None before two reports tell it.

        What the stage did before its first report, such as loading a teacher, is not part of its pace.
        """
        if not self._first or not self._last:
            return None
        (began, before), (now, done) = self._first, self._last
        if now - began < SHORTEST or done <= before:
            return None
        return (1 - done) * (now - began) / (done - before)

    def left(self, seconds: float) -> float | None:
        """Seconds left of the run: of the stage, and of those to come as fast as the measured ones; None if unknown."""
        stage_left, elapsed = self.stage_left(), seconds - self._started
        whole = self._finished | ({self._name: elapsed + stage_left} if stage_left is not None else {})
        measured = sum(self.shares[name] for name in whole)
        if not measured:
            return None
        pace = sum(whole.values()) / measured  # seconds of a whole run
        names = list(self.shares)
        later = pace * sum(self.shares[name] for name in names[names.index(self._name) + 1 :])
        if stage_left is None:
            stage_left = max(0.0, pace * self.shares[self._name] - elapsed)
        return stage_left + later
