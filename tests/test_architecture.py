"""The structure: import contracts of pyproject.toml, what stays light, and how long files and functions may be."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = [path for name in ("core", "dashboard") for path in sorted((ROOT / name).rglob("*.py"))]
SCREEN = ("streamlit", "altair", "pyvis", "pandas")
SIGNING = ("securesystemslib", "rfc8785", "cryptography")


def imports(path: Path) -> set[str]:
    """Absolute names of everything a file imports, at its top and inside its functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module)
    return found


def runs(code: str) -> bool:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_import_contracts_hold():
    command = [Path(sys.executable).with_name("lint-imports"), "--no-logo"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_core_has_no_loose_files():
    loose = {path.name for path in (ROOT / "core").glob("*.py")}
    assert loose == {"__init__.py", "__main__.py", "errors.py"}


def test_only_services_call_core_services():
    services = ("runs", "pipeline", "workspace", "circuit", "models", "review")
    for path in (ROOT / "dashboard").rglob("*.py"):
        called = {name for name in imports(path) if name.startswith(tuple(f"core.{one}" for one in services))}
        allowed = path.parent.name == "services" or path.name == "circuit_html.py"
        assert not called or allowed, f"{path} calls {called}"


@pytest.mark.parametrize(
    ("modules", "library"),
    [
        ("core.types, core.errors, core.utils.serialization, core.workspace", "torch"),
        ("core.cli.app, core.runs.ledger_entries, core.review.decisions, core.review.execution, core.review.audit", "torch"),
        ("core.runs.submit", "transformers"),
    ],
)  # fmt: skip
def test_who_needs_no_model_waits_for_no_library_of_models(modules, library):
    assert runs(f"import sys, {modules}; sys.exit({library!r} in sys.modules)")


def test_core_runs_without_the_screen_libraries():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({SCREEN}));"
    assert runs(f"{blocked}import core.cli.app, core.runs.worker, core.runs.submit, core.runs.references")
    assert runs(f"{blocked}import core.pipeline.prepare")


def test_no_page_comes_near_the_keys():
    private = ("core.ledger", "core.runs.ledger_entries", "securesystemslib")
    modules = "dashboard.services.queries, dashboard.services.models, dashboard.services.review, core.runs.submit"
    assert runs(f"import sys, {modules}; sys.exit(any(name.startswith({private}) for name in sys.modules))")
    for path in (ROOT / "dashboard").rglob("*.py"):
        assert not any(name.startswith(private) for name in imports(path)), path


def test_the_engine_runs_without_the_signing_libraries():
    blocked = f"import sys; sys.modules.update(dict.fromkeys({SIGNING}));"
    assert runs(f"{blocked}import core.cli.app, core.runs.worker, core.runs.submit")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "make it a folder"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 60, f"{node.name} is too long"


def test_no_page_can_be_opened_without_the_app():
    """Streamlit serves the scripts of a folder called "pages" beside the app by themselves, past the access gate."""
    assert not (ROOT / "dashboard/pages").exists()


def test_the_tree_in_the_documents_is_current():
    assert subprocess.run([sys.executable, "docs/tree.py", "--check"], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_one_file_names_the_files_of_an_adapter(name):
    literal = f'"{name}"'
    assert [path.name for path in SOURCES if literal in path.read_text(encoding="utf-8")] == ["run_layout.py"]
