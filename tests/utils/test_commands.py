"""Command lines in messages and pages: quoted for a shell, and from one module only."""

import ast
from pathlib import Path

import pytest

from core.utils.commands import command_line, install_line

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for name in ("core", "dashboard") for path in (ROOT / name).rglob("*.py"))
TEXTS = sorted(
    path for name in ("core", "dashboard") for kind in ("*.ftl", "*.html", "*.j2") for path in (ROOT / name).rglob(kind)
)
COMMANDS = ("python -m core", "cure-lens ", "pip install cure-lens", "pip install 'cure-lens")


def test_arguments_are_quoted_for_a_shell() -> None:
    assert command_line("verify", "--workspace", "my data") == "python -m core verify --workspace 'my data'"
    assert install_line("dashboard") == "pip install 'cure-lens[dashboard]'"
    assert install_line(upgrade=True) == "pip install --upgrade cure-lens"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_spells_a_command_line(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {ast.get_docstring(node, clean=False) for node in ast.walk(tree) if isinstance(node, documented)}
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    assert not [text for text in strings - docstrings if any(command in text for command in COMMANDS)]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_spells_a_command_line(path: Path) -> None:
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert not [line for line in lines if any(command in line for command in COMMANDS)]
