"""The model that is loaded ahead is the one of the page What if, which then loads none."""

from pathlib import Path

import pytest

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
