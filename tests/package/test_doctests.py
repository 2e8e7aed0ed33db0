"""Public API: examples in docstrings run, and `import core` loads no heavy library."""

import doctest
import inspect
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import core
from core.workspace import Workspace

ROOT = Path(__file__).parents[2]
OLD = ROOT / "tests/workspace/old_workspace"
RUN = "run-fecbb0"


@pytest.fixture
def names(tmp_path: Path) -> dict[str, str]:
    """Globals of the examples: a small workspace without a ledger, its request and a finished run."""
    folder = shutil.copytree(OLD, tmp_path / "workspace")
    (folder / "ledger.pub").unlink()  # the private keys are not in the repository
    return {"workspace": str(folder), "request": Workspace(folder).requests()[0].id, "run": RUN}


def run_examples(documented: object, name: str, names: dict[str, str]) -> doctest.TestResults:
    """Run the examples in one docstring."""
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in doctest.DocTestFinder(recurse=False).find(documented, name, globs=dict(names)):
        runner.run(test)
    return runner.summarize()


def test_package_examples_run() -> None:
    assert run_examples(core, "core", {}) == (0, 2)


@pytest.mark.integration
@pytest.mark.parametrize("name", core.__all__)
def test_examples_of_public_name_run(name: str, names: dict[str, str]) -> None:
    failed, attempted = run_examples(getattr(core, name), name, names)
    assert failed == 0 and attempted > 0


@pytest.mark.parametrize("name", core.__all__)
def test_public_name_has_all_docstring_sections(name: str) -> None:
    text = inspect.getdoc(getattr(core, name))
    assert text and all(section in text for section in ("Args:", "Returns:", "Raises:", "Example"))


def test_public_names_are_imported_on_first_use() -> None:
    code = (
        "import sys, core; assert not {'torch', 'transformers', 'numpy'} & set(sys.modules);"
        "assert set(core.__all__) <= set(dir(core)) and 'attribute' not in vars(core);"
        "core.attribute; assert 'torch' in sys.modules and 'attribute' in vars(core)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'forget_everything'"):
        _ = core.forget_everything
