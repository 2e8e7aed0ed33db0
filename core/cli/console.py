"""Terminal output: plain consoles, progress bars, and the table of a run's report."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from core.runs.cancel import cancel
from core.runs.dispatcher import fault
from core.runs.handle import RunHandle
from core.types import ENDED, Evaluation, RunState
from core.types.results import METRIC_NAMES
from core.utils.text import visible

if TYPE_CHECKING:
    from core.unlearning.training_types import Step  # loads torch

LINE_EVERY = 30.0  # seconds between two lines of one task, at least one a minute where steps are that short


class PlainConsole(Console):
    """A console that prints text literally: no markup such as [red], no emoji names, no control characters."""

    def __init__(self, stderr: bool = False) -> None:
        """Write to standard output, or to standard error."""
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print with every control character made visible; options are those of rich."""
        super().print(*(visible(one) if isinstance(one, str) else one for one in objects), **options)


out, err = PlainConsole(), PlainConsole(stderr=True)


def follow_run(run: RunHandle, quiet: bool, person: str = "") -> None:
    """Show a run's progress until it ends; Ctrl-C cancels the run.

    Args:
        run: The run.
        quiet: Whether to show nothing.
        person: Who cancels it by Ctrl-C.
    """
    with progress(quiet) as bars:
        bar, told = bars.add_task("queued", total=1.0), ""
        try:
            while (status := run.status).state not in (*ENDED, RunState.LOST):
                said = "" if quiet or status.state is not RunState.QUEUED else fault(run.workspace)
                if said and said != told:
                    err.print(told := said, style="red", highlight=False)
                bars.update(bar, completed=status.progress, description=status.stage or status.state)
                time.sleep(0.3)
            bars.update(bar, completed=status.progress, description=str(status.state))
        except KeyboardInterrupt:
            cancel(run, person)
            raise


def report_table(evaluation: Evaluation) -> Table:
    """Metrics of the original, the unlearned model and each reference, with 95 % intervals."""
    table = Table(
        "measure", "original", "unlearned", *(f"reference {i + 1}" for i in range(len(evaluation.references)))
    )
    for name in METRIC_NAMES:
        row = [getattr(model, name) for model in (evaluation.original, evaluation.unlearned, *evaluation.references)]
        table.add_row(name.replace("_", " "), *(f"{cell.value:.3f} [{cell.low:.3f}, {cell.high:.3f}]" for cell in row))
    return table


class ProgressLines(Progress):
    """Progress for a log, a cluster or a container: a line at a task's start, each tenth, each half minute and end."""

    def __init__(self, quiet: bool) -> None:
        """Write to standard error; nothing if `quiet`."""
        super().__init__(console=err, disable=True)  # no bars
        self._quiet = quiet
        self._told = dict[TaskID, tuple[str, int, float]]()  # description, tenth and time of each task's last line

    def add_task(self, description: str, *arguments: Any, **options: Any) -> TaskID:
        """Add a task, and tell that it starts."""
        task = super().add_task(description, *arguments, **options)
        self._tell(task)
        return task

    def update(self, task_id: TaskID, **options: Any) -> None:
        """Update a task, and tell it where its name or its tenth has changed."""
        super().update(task_id, **options)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        task = self._tasks[task_id]
        percent = int(100 * task.completed / task.total) if task.total else 0
        description, tenth, told = self._told.get(task_id, ("", -1, 0.0))
        news = (description, tenth) != (task.description, percent // 10) or time.monotonic() - told >= LINE_EVERY
        if self._quiet or not news:
            return
        self._told[task_id] = task.description, percent // 10, time.monotonic()
        self.console.print(f"{time.strftime('%H:%M:%S')} {task.description}: {percent}%", highlight=False)


def progress(quiet: bool = False) -> Progress:
    """Progress on standard error: bars in a terminal, lines elsewhere; none if `quiet`."""
    if not err.is_terminal:
        return ProgressLines(quiet)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err,
        disable=quiet,
    )


def step_bars(bars: Progress) -> Callable[[str, "Step"], bool]:
    """A callback that shows training steps, with one bar for each name; it never stops a training."""
    tasks: dict[str, TaskID] = {}

    def show(name: str, step: "Step") -> bool:
        if name not in tasks:
            tasks[name] = bars.add_task(name, total=step.total)
        bars.update(tasks[name], completed=step.number)
        return False

    return show
