"""The demo's run in a copy that a test may write to, served."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.runs.handle import RunHandle
from tests.browser.browser import ROOT, served


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core's own file; the package around it needs another browser driver and is not imported."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found and found.origin
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunHandle:
    folder: Path = shutil.copytree(ROOT / "assets/demo", tmp_path_factory.mktemp("served") / "demo")
    return RunHandle(folder / "runs/run-demo")


@pytest.fixture(scope="module")
def served_at(run: RunHandle) -> Iterator[str]:
    with served(run.path.parent.parent) as base:
        yield base
