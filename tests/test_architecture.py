"""Structure of the code: import contracts, optional libraries, and the length of files and functions."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [path for name in ("core", "dashboard") for path in sorted((ROOT / name).rglob("*.py"))]
DASHBOARD_LIBRARIES = ("streamlit", "altair", "pyvis", "pandas")
SIGNING_LIBRARIES = ("securesystemslib", "rfc8785", "cryptography")


def imported_names(path: Path) -> set[str]:
    """Absolute names of all modules that a file imports, at its top and inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module)
    return found


def exits_cleanly(code: str) -> bool:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_import_contracts_hold():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_core_has_no_loose_files():
    loose = {path.name for path in (ROOT / "core").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "errors.py"}


def test_only_dashboard_services_import_core_services():
    packages = ("runs", "pipeline", "workspace", "circuit", "models", "review")
    for path in (ROOT / "dashboard").rglob("*.py"):
        called = {name for name in imported_names(path) if name.startswith(tuple(f"core.{one}" for one in packages))}
        assert not called or path.parent.name == "services", f"{path} calls {called}"


@pytest.mark.parametrize(
    ("modules", "library"),
    [
        ("core.types, core.errors, core.utils.serialization, core.workspace", "torch"),
        ("core.cli.app, core.runs.ledger_entries, core.review.decisions, core.review.execution, core.review.audit", "torch"),
        ("core.runs.submit", "transformers"),
        ("core.runs.dispatcher", "torch"),
        ("core.runs.dispatcher", "numpy"),
        ("core.cli.app", "scipy"),
    ],
)  # fmt: skip
def test_module_imports_no_library_that_slows_its_start(modules, library):
    assert exits_cleanly(f"import sys, {modules}; sys.exit({library!r} in sys.modules)")


def test_core_imports_without_dashboard_libraries():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({DASHBOARD_LIBRARIES}));"
    assert exits_cleanly(f"{blocked}import core.cli.app, core.runs.worker, core.runs.submit, core.runs.references")
    assert exits_cleanly(f"{blocked}import core.pipeline.prepare")


def test_no_page_imports_ledger_keys():
    private = ("core.ledger", "core.runs.ledger_entries", "securesystemslib")
    modules = "dashboard.services.queries, dashboard.services.models, dashboard.services.review, core.runs.submit"
    assert exits_cleanly(f"import sys, {modules}; sys.exit(any(name.startswith({private}) for name in sys.modules))")
    for path in (ROOT / "dashboard").rglob("*.py"):
        assert not any(name.startswith(private) for name in imported_names(path)), path


def test_core_imports_without_signing_libraries():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({SIGNING_LIBRARIES}));"
    assert exits_cleanly(f"{blocked}import core.cli.app, core.runs.worker, core.runs.submit")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_its_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "the file is longer than 300 lines: make it a package"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is longer than 60 lines"


@pytest.mark.parametrize("path", sorted((ROOT / "dashboard").rglob("*.js")), ids=lambda path: path.name)
def test_script_is_short(path):
    assert path.read_text(encoding="utf-8").count("\n") <= 300


def test_dashboard_has_no_folder_named_pages():
    """Streamlit serves every script in a folder "pages" beside the app, without the access gate."""
    assert not (ROOT / "dashboard/pages").exists()


def test_file_tree_in_documents_is_current():
    assert subprocess.run([sys.executable, "docs/tree.py", "--check"], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_one_file_names_the_files_of_an_adapter(name):
    literal = f'"{name}"'
    assert [path.name for path in SOURCES if literal in path.read_text(encoding="utf-8")] == ["run_layout.py"]
