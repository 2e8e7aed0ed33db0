"""Results of the benchmark, as its page reads them."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.utils.assets import asset
from dashboard.services.queries import Stamps, stamps

if TYPE_CHECKING:
    from core.benchmark.results import Result

BENCHMARK = Path(os.environ.get("CURE_LENS_BENCHMARK") or asset("benchmark"))


def results() -> "list[Result]":
    """All rows of the benchmark; none where it never ran."""
    files = tuple(sorted(str(path) for path in BENCHMARK.glob("*.parquet")))
    return _benchmark(files, stamps(*map(Path, files)))


@st.cache_resource(max_entries=1, show_spinner=False)
def _benchmark(files: tuple[str, ...], key: Stamps) -> "list[Result]":
    from core.benchmark.results import read_results  # loads pyarrow

    return [row for file in files for row in read_results(Path(file))]
