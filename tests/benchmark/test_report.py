"""The committed report is the one that the committed results give."""

import shutil
from pathlib import Path

from core.benchmark.report import write_report

COMMITTED = Path(__file__).parents[2] / "benchmarks"


def test_rendering_the_committed_results_gives_the_committed_report(tmp_path):
    shutil.copytree(COMMITTED / "unlearning", tmp_path / "unlearning")
    assert write_report(tmp_path).read_bytes() == (COMMITTED / "unlearning.md").read_bytes()
