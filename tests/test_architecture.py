"""The floors of ARCHITECTURE.md: each module imports only what stands under it, and pages never reach past the engine."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = [
    {"__main__"},
    {"bench_command", "ledger_command", "prepare_command", "review_command", "runs_command"},
    {"console", "arguments"},
    {"bench", "doctor", "export"},
    {"review"},
    {"runs"},
    {"prepare"},
    {"pipeline"},
    {"looks"},
    {"context"},
    {"regrouping", "what_if", "verification"},
    {"data", "circuit", "grouping", "unlearning", "evaluation", "report"},
    {"models", "records"},
    {"workspace"},
    {"busy", "database"},
    {"files", "extras", "threads"},
    {"types", "errors"},
]
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}
SCREEN = {"streamlit", "altair", "pyvis", "dashboard"}


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


def part(path: Path) -> str:
    relative = path.relative_to(ROOT / "core")
    return relative.parts[0].removesuffix(".py")


CORE = sorted((ROOT / "core").rglob("*.py"))


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_imports_only_from_below(path):
    own = part(path)
    for name in imports(path):
        assert name.split(".")[0] not in SCREEN, f"{path} imports {name}"
        if name.startswith("core.") and own != "__init__":
            other = name.split(".")[1]
            assert other == own or LEVEL[other] > LEVEL[own], f"{own} imports {other}"


def test_only_the_engine_calls_core_services():
    for path in (ROOT / "dashboard").rglob("*.py"):
        services = {
            name
            for name in imports(path)
            if name.startswith(
                (
                    "core.runs",
                    "core.pipeline",
                    "core.context",
                    "core.prepare",
                    "core.workspace",
                    "core.circuit",
                    "core.models",
                    "core.review",
                )
            )
        }
        assert not services or path.name in ("engine.py", "acts.py", "live.py", "graph.py", "desk.py"), (
            f"{path} calls {services}"
        )


@pytest.mark.parametrize(
    ("modules", "library"),
    [
        ("core.types, core.errors, core.files, core.workspace", "torch"),
        ("core.__main__, core.runs.account, core.review.decide, core.review.outbox, core.review.afterwards", "torch"),
        ("core.runs.launch", "transformers"),
    ],
)
def test_who_needs_no_model_waits_for_no_library_of_models(modules, library):
    code = f"import sys, {modules}; sys.exit({library!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_core_runs_without_the_screen_libraries():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('streamlit', 'altair', 'pyvis', 'pandas')));"
        "import core.__main__, core.runs.worker, core.runs.launch, core.runs.references, core.prepare"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_no_page_comes_near_the_keys():
    code = (
        "import sys, dashboard.engine, dashboard.live, dashboard.desk, core.runs.launch;"
        "sys.exit(any(name.startswith(('core.records', 'core.runs.account', 'securesystemslib')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
    for path in (ROOT / "dashboard").rglob("*.py"):
        assert not any(name.startswith(("core.records", "core.runs.account")) for name in imports(path)), path


def test_the_engine_runs_without_the_signing_libraries():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(('securesystemslib', 'rfc8785', 'cryptography')));"
        "import core.__main__, core.runs.worker, core.runs.launch"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


@pytest.mark.parametrize(
    "path", CORE + sorted((ROOT / "dashboard").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_files_and_functions_stay_small(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 300, "make it a folder"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 60, f"{node.name} is too long"
