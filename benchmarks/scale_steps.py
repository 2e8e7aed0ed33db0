"""What benchmarks/scale.py measures, one step a process: prints seconds of CPU time and peak MiB."""

import contextlib
import io
import json
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

QUESTIONS = 50  # in one process, each about another person; the median is taken


def read(data: Path, workspace: Path) -> float:
    """All that `prepare` does before the trainings."""
    from core.data.readers import read as read_source
    from core.data.readers.summary import summary_rows
    from core.types import Task
    from core.workspace import WorkspaceSettings
    from core.workspace.layout import WorkspaceLayout

    started = time.process_time()
    dataset = read_source(f"movielens:{data}")
    assert dataset.summary
    list(summary_rows(dataset.summary, dataset.interactions, Task.CLICK))
    took = time.process_time() - started

    from core.pipeline.prepare import Scratch, split_data, write_data  # loads torch, as `prepare` does after reading

    started, settings = time.process_time(), WorkspaceSettings("scale", "generated")
    roles, _ = split_data(dataset, settings, Scratch(), own_base=True)
    write_data(WorkspaceLayout(workspace), dataset, roles, settings)
    return took + time.process_time() - started


def request(workspace: Path) -> None:
    """The command."""
    from core.cli.app import app

    user = json.loads((workspace / "data/roles.json").read_text(encoding="utf-8"))["members"][0]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        app(["request", "--workspace", str(workspace), "--users", user, "--json"], standalone_mode=False)
    assert user in printed.getvalue()


def permission(workspace: Path) -> None:
    """What the command line checks before it launches a run, but for the run itself."""
    from core.review.permissions import require
    from core.types import Action, Request
    from core.workspace import Workspace

    place = Workspace(workspace)
    require(place, "somebody", Action.RUN)
    place.check(Request("r", users=place.user_split.training_users[:1]))


def page(workspace: Path) -> None:
    """The overview, drawn by Streamlit without a browser."""
    from streamlit.testing.v1 import AppTest

    os.environ["CURE_LENS_WORKSPACE"] = str(workspace)
    drawn = AppTest.from_file(str(ROOT / "dashboard/app.py"), default_timeout=600).run()
    assert not drawn.exception and drawn.markdown


def person(workspace: Path) -> float:
    """Median over people."""
    from core.workspace import Workspace

    place = Workspace(workspace)
    users = place.user_split.training_users[:QUESTIONS]
    took = []
    for user in users:
        started = time.process_time()
        assert place.interactions.of_users([user])
        took.append(time.process_time() - started)
    return statistics.median(took[1:])  # the first question opens the file


STEPS: dict[str, Callable[[Path], float | None]] = {
    "request": request, "permission": permission, "page": page, "person": person,
}  # fmt: skip


def main() -> None:
    what, data, workspace = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    took = read(data, workspace) if what == "read" else STEPS[what](workspace)
    cpu = time.process_time() if took is None else took
    # Not ru_maxrss, which a process inherits from the one that started it.
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="utf-8"))
    print(cpu, int(peak) / 1024)


if __name__ == "__main__":
    main()
