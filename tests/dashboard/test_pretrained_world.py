"""Every page of the demo world on SmolLM2, where the base model is not on the machine."""

import shutil
from pathlib import Path

import pytest
import streamlit as st

from core.demo.worlds import PRETRAINED
from core.utils.assets import asset
from dashboard.presenters.phrases import escape
from dashboard.services import models_ahead
from tests.dashboard.conftest import open_page
from tests.dashboard.test_pages import PAGES, text_of

RUNS = [run.id for request in PRETRAINED.requests for run in request.runs]
FETCH = "base fetch smollm2-135m"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(asset("demo-smollm2"), tmp_path_factory.mktemp("pretrained") / "demo")


@pytest.fixture
def without_base(served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Serve the world where no base was fetched."""
    monkeypatch.setenv("CURE_LENS_CACHE", str(tmp_path))
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(served))
    monkeypatch.setattr(models_ahead, "_start", lambda root: None)
    st.cache_resource.clear()
    st.cache_data.clear()


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", PAGES)
def test_page_shows_finished_results_or_says_how_to_get_the_base(without_base: None, name: str, run: str) -> None:
    app = open_page(name, {"run": run})
    assert len(app.title) == 1
    for error in app.error:
        assert escape(FETCH) in str(error.value)


def test_overview_names_the_command_that_fetches_the_base(without_base: None) -> None:
    assert FETCH in text_of(open_page("overview"))


def test_what_if_page_says_how_to_get_the_base(without_base: None) -> None:
    (error,) = open_page("what_if", {"run": "run-circuit"}).error
    assert escape(FETCH) in str(error.value)
