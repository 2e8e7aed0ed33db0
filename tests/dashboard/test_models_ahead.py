"""The model that is loaded ahead is the one of the page What if, which then loads none."""

import threading
from pathlib import Path

import pytest

from core.errors import ModelError
from core.workspace.run_layout import AdapterLayout
from dashboard.presenters.i18n import t
from dashboard.services import models, models_ahead, queries


def test_what_if_page_takes_the_model_that_was_loaded_ahead(page, demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models_ahead._load()

    def loads_again(*given: object) -> None:
        raise AssertionError("the page loads a model although it was loaded ahead")

    monkeypatch.setattr(models, "load_adapter", loads_again)
    assert len(page("what_if", person="u060").dataframe) == 2


def test_large_or_distant_base_model_is_not_loaded_ahead(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = models_ahead._wanted()
    assert found and queries.groups(found)
    monkeypatch.setattr(models_ahead, "MOST_BYTES", 1)
    assert models_ahead._wanted() is None
    monkeypatch.undo()
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(demo))
    (demo / "base").rename(demo / "elsewhere")  # as for the id of a hub model: nothing is fetched in the background
    assert models_ahead._wanted() is None


def test_model_that_is_gone_is_left_out_in_the_background_and_on_the_page(
    page, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The adapter in use is destroyed while a deletion is carried out, and the runs of before are still listed."""
    AdapterLayout(demo / "adapter").weights.unlink()
    failures: list[object] = []
    monkeypatch.setattr(threading, "excepthook", failures.append)
    timer = models_ahead.Timer(0, models_ahead._load)
    timer.start()
    timer.join()
    assert not failures
    app = page("what_if", person="u060")
    assert t("what-if-original") not in app.selectbox(key="pick_model").options and len(app.dataframe) == 2
    run = queries.run("run-demo")
    with pytest.raises(ModelError, match="The original model of run 'run-demo' is gone: choose another model or run."):
        models.lists(run, "u060", 10)
