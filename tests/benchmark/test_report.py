"""Rendering the committed benchmark results reproduces the committed report."""

import shutil
from pathlib import Path

from core.benchmark.report import write_report

COMMITTED = Path(__file__).parents[2] / "benchmarks"


def test_committed_results_render_to_committed_report(tmp_path):
    shutil.copytree(COMMITTED / "unlearning", tmp_path / "unlearning")
    assert write_report(tmp_path).read_bytes() == (COMMITTED / "unlearning.md").read_bytes()
