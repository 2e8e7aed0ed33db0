"""Verdicts of the verification on models whose state is known (written to verification.md).

    python benchmarks/verification.py [WORKSPACE[:REQUEST] ...]    about 15 minutes each on one core

By default: the demo world. The script works on a copy of the workspace and on its newest request, or on the named
one. Models: the original, which forgot nothing; a retrained model that is held out of the references; a model that
unbounded gradient ascent destroyed; two methods of ours.
"""

import platform
import shutil
import sys
import tempfile
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.runs.handle import RunHandle, open_run  # noqa: E402
from core.runs.references import train_references  # noqa: E402
from core.runs.submit import create_run  # noqa: E402
from core.runs.verify import verify_run  # noqa: E402
from core.runs.worker import work  # noqa: E402
from core.types import Request, Verdict, Verification  # noqa: E402
from core.utils.commands import command_line  # noqa: E402
from core.verification.suite import overall_verdict  # noqa: E402
from core.workspace import Workspace  # noqa: E402

METHODS = {"gradient_ascent_uncapped": "broken by ascent", "cure": "cure", "cure_merge": "cure_merge"}
SHORT = {Verdict.PASS: "pass", Verdict.FAIL: "**FAIL**", Verdict.INCONCLUSIVE: "?"}


def judged(workspace: Workspace, request: Request) -> dict[str, Verification]:
    """Return the verification of each model by its name."""
    train_references(workspace, request.id, 4, "cpu", lambda _number, _step: False)
    made = {name: done(workspace, request.id, method) for method, name in METHODS.items()}
    held_out = workspace.reference_folders(request.id)[-1]
    away = shutil.move(held_out, workspace.root.parent / "held-out")
    found = {"original": exchanged(made["cure"], workspace.adapter)}
    found["held-out reference"] = exchanged(made["cure"], Path(away))
    return found | {name: verify_run(run, "cpu") for name, run in made.items()}


def done(workspace: Workspace, request: str, method: str) -> RunHandle:
    run = create_run(workspace, request, method, "cpu")
    work(run)
    return open_run(workspace, run.id)


def exchanged(run: RunHandle, adapter: Path) -> Verification:
    """Verify a run while another adapter is in its folder; the own adapter is restored afterwards."""
    own, aside = run.path / "adapter", run.path / "aside"
    own.rename(aside)
    shutil.copytree(adapter, own)
    found = verify_run(run, "cpu")
    shutil.rmtree(own)
    aside.rename(own)
    return found


def table(named: str) -> list[str]:
    root, _, chosen = named.partition(":")
    with tempfile.TemporaryDirectory() as parent:
        workspace = Workspace(
            shutil.copytree(root, Path(parent) / "copy", ignore=shutil.ignore_patterns("runs", "ledger.*"))
        )
        request = workspace.request(chosen) if chosen else workspace.requests()[0]
        found = judged(workspace, request)
    lines = [
        f"| {check.id} {check.name} | " + " | ".join(cell(one, check.code) for one in found.values()) + " |"
        for check in next(iter(found.values())).checks
    ]
    whole = " | ".join(SHORT[one.verdict] for one in found.values())
    answers = " | ".join(SHORT[overall_verdict(c for c in one.checks if c.id != "V12")] for one in found.values())
    return [
        f"## {workspace.settings.name}", "", f"Request {request.id}, people: {len(request.subjects)}.", "",
        "| check | " + " | ".join(found) + " |", "| --- |" + " --- |" * len(found), *lines,
        f"| together, V12 aside | {answers} |", f"| together | {whole} |", "",
    ]  # fmt: skip


def cell(found: Verification, code: str) -> str:
    """Return the verdict of a check and, where it is inconclusive, about how many rows would give a verdict."""
    check = next((check for check in found.checks if check.code == code), None)
    if check is None:
        return ""
    needed = (
        f" ({check.value.n:,}, needs {check.rows_needed:,})"
        if check.rows_needed and check.verdict is Verdict.INCONCLUSIVE
        else ""
    )
    return SHORT[check.verdict] + needed


def main(folders: list[str]) -> None:
    torch.set_num_threads(1)
    lines = [line for folder in folders or [str(ROOT / "assets/demo")] for line in table(folder)]
    head = [
        "# The verification on models whose state is known", "",
        f"Verdicts of `{command_line('verify')}`: pass, FAIL, or ? for inconclusive, with the number of rows and about "
        "how many would give a verdict. *Original*: forgot nothing. *Held-out reference*: never saw the data, compared "
        "with three others. Both were copied into the folder of a run, so V12 fails for both. A check that is "
        "inconclusive in the first two columns lacks power here. `python benchmarks/verification.py WORKSPACE ...`, "
        f"seed 0, one run each. torch {torch.__version__}, Python {platform.python_version()}.", "",
    ]  # fmt: skip
    Path(__file__).with_suffix(".md").write_text("\n".join([*head, *lines]), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
