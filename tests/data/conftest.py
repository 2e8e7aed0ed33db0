"""Fixture of the data tests: a small synthetic data set."""

import pytest

from core.data.readers import Dataset
from core.demo.world import make_world


@pytest.fixture(scope="session")
def small_world() -> Dataset:
    return make_world(seed=3, films=60, people=24)
