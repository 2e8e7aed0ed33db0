"""Pages read the rows of the people whom they show, and never go through all rows; pages with a model do."""

import pytest

from core.data.interaction_store import InteractionStore


@pytest.mark.parametrize(
    "name", ["overview", "request", "run", "review", "report", "compare", "groups", "circuit", "before_after"]
)
def test_page_without_a_model_never_goes_through_all_rows(page, monkeypatch, name):
    def read_all(self):
        raise AssertionError("all interactions are read")

    monkeypatch.setattr(InteractionStore, "__iter__", read_all)
    page(name)
