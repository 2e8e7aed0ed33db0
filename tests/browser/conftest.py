"""Fixtures of the browser tests: axe-core, and a served copy of the demo with its finished run."""

import importlib.util
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.runs.handle import RunHandle
from tests.browser.browser import ROOT, served


@pytest.fixture(scope="module")
def axe() -> str:
    """Source of axe-core, read from the installed package; importing the package would need Playwright."""
    found = importlib.util.find_spec("axe_playwright_python")
    assert found and found.origin
    return Path(found.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunHandle:
    """The finished run of a copy of the demo, which tests may change."""
    folder: Path = shutil.copytree(ROOT / "assets/demo", tmp_path_factory.mktemp("served") / "demo")
    return RunHandle(folder / "runs/run-demo")


@pytest.fixture(scope="module")
def base_url(run: RunHandle) -> Iterator[str]:
    """Address of a dashboard that serves the workspace of `run`."""
    with served(run.path.parent.parent) as base:
        yield base
