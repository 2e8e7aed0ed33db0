"""Scripts in docs/examples: they run and give the documented results."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from core.unlearning.methods import METHODS
from core.unlearning.objectives import OBJECTIVES

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
pytestmark = pytest.mark.integration


def example(name: str) -> Any:
    """Import a script without running it."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_example_circuit_is_smaller_than_the_model() -> None:
    script = example("find_a_circuit")
    assert 0 < len(script.main()) < 15


def test_example_unlearns_one_user_and_keeps_the_others() -> None:
    losses = example("unlearn_one_user").main()
    assert losses["ada"][1] > 5 * losses["ada"][0]
    assert all(losses[user][1] < 2 * losses[user][0] for user in ("ben", "eve"))


def test_example_method_lowers_answer_probability() -> None:
    try:
        before, after = example("add_a_method").main()
    finally:  # other tests use these tables
        METHODS.pop("hinge", None)
        OBJECTIVES.pop("hinge", None)
    assert after < before


def test_examples_are_short_and_listed() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert path.read_text(encoding="utf-8").count("\n") <= 60 and path.name in text
