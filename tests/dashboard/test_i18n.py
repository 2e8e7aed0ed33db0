"""English texts: every message ID in use exists in locale/en.ftl, every message is used, and Python holds no text."""

import ast
import re
from enum import StrEnum
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl

from core import types
from dashboard.presenters.i18n import ENGLISH, t
from dashboard.presenters.phrases import GLOSSARY

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dashboard").rglob("*.py"))
SCRIPTS = sorted((ROOT / "dashboard/components").glob("*.js"))
NAME = re.compile(r"[a-z]+(-[a-z0-9]+)+")
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
# Strings that are not texts of pages: markup, style, Vega expressions, scripts, and messages for developers.
FOREIGN = re.compile(r"[<>{}=|]|::|font-|python -m|sans-serif|default-src|width \*")


def messages() -> dict[str, ftl.Message]:
    body = FluentParser().parse(ENGLISH.read_text(encoding="utf-8")).body
    assert not [entry.content for entry in body if isinstance(entry, ftl.Junk)]
    return {entry.id.name: entry for entry in body if isinstance(entry, ftl.Message)}


def constants(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def id_prefixes(tree: ast.AST) -> set[str]:
    """Prefixes of message IDs that Python completes at run time: t(f"circuit-edge-{way}")."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "t"]
    f_strings = [call.args[0] for call in calls if call.args and isinstance(call.args[0], ast.JoinedStr)]
    return {part.values[0].value for part in f_strings if isinstance(part.values[0], ast.Constant)}


def docstrings(tree: ast.AST) -> set[int]:
    kinds = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, kinds)]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def test_message_ids_are_unique() -> None:
    names = re.findall(r"^([a-z][a-z0-9-]*) =", ENGLISH.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == len(set(names)) == len(messages())


def test_every_message_id_in_python_exists() -> None:
    known = set(messages())
    for path, tree in TREES.items():
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") in ("t", "Texts")]
        for call in calls:
            used = constants(call.args[0]) if call.func.id == "t" else {
                value for node in ast.walk(call.args[0]) if isinstance(node, ast.Dict)
                for one in node.values for value in constants(one)
            }  # fmt: skip
            used = {name for name in used if NAME.fullmatch(name)}
            if not isinstance(call.args[0], ast.JoinedStr):
                assert used <= known, f"{path.name}: {used - known}"
        assert all(any(name.startswith(prefix) for name in known) for prefix in id_prefixes(tree)), path.name


def unused(names: set[str]) -> set[str]:
    """Message IDs that match no constant and no prefix followed by a constant or by a value of core's enums."""
    used = set().union(*(constants(tree) for tree in TREES.values()))
    prefixes = set().union(*(id_prefixes(tree) for tree in TREES.values())) - {""}
    enums = [kind for kind in vars(types).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    ends = {text.replace("_", "-") for text in used | {str(value) for kind in enums for value in kind}}
    return {name for name in names - used if not any(name == prefix + end for prefix in prefixes for end in ends)}


def test_every_message_is_used() -> None:
    assert not unused(set(messages()))


def test_unused_message_is_found() -> None:
    assert unused({"circuit-edge-nowhere", "nowhere-at-all", "circuit-edge-way"}) == {
        "circuit-edge-nowhere",
        "nowhere-at-all",
    }


def test_every_glossary_term_has_a_meaning() -> None:
    names = {name.removesuffix("-means") for name in messages() if name.startswith("legend-")} - {"legend-row"}
    assert names == {"legend-" + key for key in GLOSSARY}
    assert all(word and meaning.endswith(".") for word, meaning in GLOSSARY.values())


def test_every_variable_of_a_message_is_passed() -> None:
    needs = {name: {node.id.name for node in _references(message)} for name, message in messages().items()}
    for path, tree in TREES.items():
        for call in ast.walk(tree):
            if (
                isinstance(call, ast.Call)
                and getattr(call.func, "id", "") == "t"
                and isinstance(call.args[0], ast.Constant)
            ):
                given = {keyword.arg for keyword in call.keywords}
                assert None in given or needs[call.args[0].value] <= given, f"{path.name}: {call.args[0].value}"


def _references(node) -> list:
    """All variables of a message."""
    found = [node] if isinstance(node, ftl.VariableReference) else []
    for value in vars(node).values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ftl.BaseNode):
                found += _references(child)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_holds_no_english_sentence(path: Path) -> None:
    tree = TREES[path]
    skipped = docstrings(tree)
    raised = {id(n) for node in ast.walk(tree) if isinstance(node, ast.Raise) for n in ast.walk(node)}
    found = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped | raised
        if SENTENCE.search(node.value) and not FOREIGN.search(node.value)
    ]
    assert not [text for text in found if text not in ("contrast prompts",)]  # the name of a stage in core


@pytest.mark.parametrize("path", [ENGLISH, ROOT / "core/report/locale/en.ftl", *SCRIPTS], ids=lambda path: path.name)
def test_percent_follows_its_number_without_a_space(path: Path) -> None:
    assert not re.findall(r"[0-9}]\s+%(?![\w(])[^\n]*", path.read_text(encoding="utf-8"))


def test_scripts_hold_no_english() -> None:
    for path in SCRIPTS:
        code = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        strings = re.findall(r'"([^"\n]*)"', code)
        assert not [text for text in strings if re.search(r"[A-Z][a-z]+ [a-z]+", text)], path.name


def test_unknown_message_or_missing_variable_raises_an_error() -> None:
    with pytest.raises(KeyError):
        t("nowhere")
    with pytest.raises(ValueError, match="before-jsd"):
        t("before-jsd", before="1")
    assert NAME.fullmatch("before-jsd")
