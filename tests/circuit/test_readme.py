"""The example of core/circuit/README.md runs, and its table lists every model family."""

import math
import re
from pathlib import Path

import torch

import core.circuit
from core.models.families import FAMILIES

README = Path(core.circuit.__file__).with_name("README.md").read_text(encoding="utf-8")


def test_readme_examples_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL):
        exec(compile(block, "core/circuit/README.md", "exec"), names)
    assert len(names["nodes"]) == 2 * (4 + 1)
    assert names["scores"].nodes.shape == (2, 10) and len(names["edges"]) == 3
    torch.testing.assert_close(names["edge_scores"], names["scores"].edges)
    assert torch.equal(names["kept"], names["keep"]) and torch.equal(names["kept_again"], names["keep"])
    assert names["metric"].shape == (2,) and math.isfinite(names["faithfulness"])


def test_readme_table_lists_every_model_family():
    table = README.split("## Model families")[1].split("**A new family**")[0]
    listed = set(re.findall(r"`(\w+)`", table)) - {"model_type"}
    assert listed == set(FAMILIES)
