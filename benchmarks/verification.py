"""What the verification says of models whose truth is known (written to verification.md).

    python benchmarks/verification.py [WORKSPACE[:REQUEST] ...]    about 15 minutes each on one core

Without a workspace, the demo world. The newest request, or the one that is named, in a copy: the original that forgot nothing, a model that never saw the
data and is held out of the references, one that is broken by ascent without a bound, and two methods of ours.
"""

import platform
import shutil
import sys
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.runs.references import train_references  # noqa: E402
from core.runs.run_folder import RunFolder, run_folder  # noqa: E402
from core.runs.submit import create_run  # noqa: E402
from core.runs.verify import verify  # noqa: E402
from core.runs.worker import work  # noqa: E402
from core.types import Request, Verdict, Verification  # noqa: E402
from core.verification.suite import together  # noqa: E402
from core.workspace import Workspace  # noqa: E402

METHODS = {"gradient_ascent_uncapped": "broken by ascent", "cure": "cure", "cure_merge": "cure_merge"}
SHORT = {Verdict.PASS: "pass", Verdict.FAIL: "**FAIL**", Verdict.INCONCLUSIVE: "?"}


def judged(place: Workspace, request: Request) -> dict[str, Verification]:
    """What is said of each model, by its name."""
    train_references(place, request.id, 4, "cpu", lambda number, step: False)
    made = {name: done(place, request.id, method) for method, name in METHODS.items()}
    held_out = place.reference_folders(request.id)[-1]
    away = shutil.move(held_out, place.root.parent / "held-out")
    found = {"original": exchanged(made["cure"], Path(place.path(place.settings.adapter)))}
    found["held-out reference"] = exchanged(made["cure"], Path(away))
    return found | {name: verify(folder, "cpu") for name, folder in made.items()}


def done(place: Workspace, request: str, method: str) -> RunFolder:
    folder = create_run(place, request, method, "cpu")
    work(folder)
    return run_folder(place, folder.id)


def exchanged(folder: RunFolder, adapter: Path) -> Verification:
    """Of a run into whose folder somebody put another adapter under the same name; put back afterwards."""
    own, aside = folder.path / "adapter", folder.path / "aside"
    own.rename(aside)
    shutil.copytree(adapter, own)
    found = verify(folder, "cpu")
    shutil.rmtree(own)
    aside.rename(own)
    return found


def table(named: str) -> list[str]:
    root, _, chosen = named.partition(":")
    with tempfile.TemporaryDirectory() as parent:
        place = Workspace(
            shutil.copytree(root, Path(parent) / "copy", ignore=shutil.ignore_patterns("runs", "ledger.*"))
        )
        request = place.request(chosen) if chosen else place.requests()[0]
        found = judged(place, request)
    checks = {(one.id, one.name): one for one in next(iter(found.values())).checks}
    lines = [
        f"| {id} {name} | " + " | ".join(cell(one, id, name) for one in found.values()) + " |" for id, name in checks
    ]
    whole = " | ".join(SHORT[one.verdict] for one in found.values())
    answers = " | ".join(SHORT[together([c for c in one.checks if c.id != "V12"])] for one in found.values())
    return [
        f"## {place.settings.name}", "", f"Request {request.id}, people: {len(request.subjects)}.", "",
        "| check | " + " | ".join(found) + " |", "| --- |" + " --- |" * len(found), *lines, f"| together, V12 aside | {answers} |", f"| together | {whole} |", "",
    ]  # fmt: skip


def cell(found: Verification, id: str, name: str) -> str:
    """A verdict, and about how many rows would tell where these do not."""
    one = next((one for one in found.checks if (one.id, one.name) == (id, name)), None)
    if one is None:
        return ""
    needed = (
        f" ({one.value.n:,}, needs {one.rows_needed:,})"
        if one.rows_needed and one.verdict is Verdict.INCONCLUSIVE
        else ""
    )
    return SHORT[one.verdict] + needed


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    lines = [line for folder in folders or [str(ROOT / "assets/demo")] for line in table(folder)]
    head = [
        "# The verification, on models whose truth is known", "",
        "What `python -m core verify` says: pass, FAIL, or ? where it is inconclusive, with the rows there are and about how many would "
        "tell. *Original*: forgot nothing, put into a run's folder under the same name. *Held-out reference*: never saw the data, put "
        "there likewise, beside three others. So V12 fails for both. A check of the first two columns that is neither pass nor FAIL "
        f"lacks power here. `python benchmarks/verification.py WORKSPACE ...`, seed 0, one run each. torch {torch.__version__}, "
        f"Python {platform.python_version()}.", "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join([*head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
