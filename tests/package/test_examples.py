"""Scripts in docs/examples: they run and give the documented results."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from core.runs.external import create_external_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import RunState, Verdict
from core.unlearning.methods import METHODS
from core.unlearning.objectives import OBJECTIVES
from core.workspace import Workspace

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


def test_example_adapter_of_plain_peft_code_is_verified(workspace: Workspace, tmp_path: Path) -> None:
    request = workspace.requests()[0].id
    before, after = example("verify_an_adapter").main(str(workspace.root), request, str(tmp_path / "adapter"), steps=8)
    assert after > before
    run = create_external_run(workspace, request, tmp_path / "adapter", "cpu")
    assert work(run) is RunState.DONE, run.status
    found = verify_run(run, "cpu")
    identity = next(check for check in found.checks if check.code == "same_function")
    assert identity.verdict is Verdict.PASS and found.verdict is not Verdict.EXACT


def test_examples_are_short_and_listed() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for path in EXAMPLES.glob("*.py"):
        assert path.read_text(encoding="utf-8").count("\n") <= 60 and path.name in text
