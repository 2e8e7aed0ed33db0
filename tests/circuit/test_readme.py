"""The example of core/circuit/README.md runs, and its table lists every model family."""

import math
import re
from pathlib import Path

import core.circuit
from core.models.families import FAMILIES

README = Path(core.circuit.__file__).with_name("README.md").read_text(encoding="utf-8")


def test_readme_example_runs():
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names = {}
    exec(compile(block, "core/circuit/README.md", "exec"), names)
    assert len(names["nodes"]) == 2 * (4 + 1)
    assert names["scores"].nodes.shape == (2, 10) and len(names["edges"]) == 3
    assert names["metric"].shape == (2,) and math.isfinite(names["faithfulness"])


def test_readme_table_lists_every_model_family():
    table = README.split("## Model families")[1].split("**A new family**")[0]
    listed = set(re.findall(r"`(\w+)`", table)) - {"model_type"}
    assert listed == set(FAMILIES)
