"""All English is in locale/en.ftl: every id that Python uses exists, every id in the file is used, no text is elsewhere."""

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
NAME = re.compile(r"[a-z]+(-[a-z0-9]+)+")
SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
# Not English for readers: markup, style, Vega expressions, scripts, and messages for developers.
FOREIGN = re.compile(r"[<>{}=|]|::|font-|python -m|sans-serif|default-src|width \*")


def messages() -> dict[str, ftl.Message]:
    body = FluentParser().parse(ENGLISH.read_text(encoding="utf-8")).body
    assert not [entry.content for entry in body if isinstance(entry, ftl.Junk)]
    return {entry.id.name: entry for entry in body if isinstance(entry, ftl.Message)}


def constants(tree: ast.AST) -> set[str]:
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def stems(tree: ast.AST) -> set[str]:
    """Beginnings of the ids that Python completes at run time: t(f"circuit-edge-{way}")."""
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "t"]
    joined = [call.args[0] for call in calls if call.args and isinstance(call.args[0], ast.JoinedStr)]
    return {part.values[0].value for part in joined if isinstance(part.values[0], ast.Constant)}


def docstrings(tree: ast.AST) -> set[int]:
    kinds = (ast.Module, ast.FunctionDef, ast.ClassDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, kinds)]
    return {id(body[0].value) for body in bodies if body and isinstance(body[0], ast.Expr)}


TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def test_no_name_stands_twice_in_the_file() -> None:
    names = re.findall(r"^([a-z][a-z0-9-]*) =", ENGLISH.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(names) == len(set(names)) == len(messages())


def test_every_text_that_python_uses_exists() -> None:
    known = set(messages())
    for path, tree in TREES.items():
        calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") in ("t", "Texts")]
        for call in calls:
            asked = constants(call.args[0]) if call.func.id == "t" else {
                value for node in ast.walk(call.args[0]) if isinstance(node, ast.Dict)
                for one in node.values for value in constants(one)
            }  # fmt: skip
            asked = {name for name in asked if NAME.fullmatch(name)}
            if not isinstance(call.args[0], ast.JoinedStr):
                assert asked <= known, f"{path.name}: {asked - known}"
        assert all(any(name.startswith(stem) for name in known) for stem in stems(tree)), path.name


def unused(names: set[str]) -> set[str]:
    """Ids that no constant names, and that no beginning together with a constant or a value of core's enums makes."""
    used = set().union(*(constants(tree) for tree in TREES.values()))
    begun = set().union(*(stems(tree) for tree in TREES.values())) - {""}
    enums = [kind for kind in vars(types).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
    ends = {text.replace("_", "-") for text in used | {str(value) for kind in enums for value in kind}}
    return {name for name in names - used if not any(name == stem + end for stem in begun for end in ends)}


def test_every_text_is_used() -> None:
    assert not unused(set(messages()))


def test_an_unused_text_would_be_found() -> None:
    assert unused({"circuit-edge-nowhere", "nowhere-at-all", "circuit-edge-way"}) == {
        "circuit-edge-nowhere",
        "nowhere-at-all",
    }


def test_every_term_of_the_glossary_has_a_meaning() -> None:
    names = {name.removesuffix("-means") for name in messages() if name.startswith("legend-")} - {"legend-row"}
    assert names == {"legend-" + key for key in GLOSSARY}
    assert all(word and meaning.endswith(".") for word, meaning in GLOSSARY.values())


def test_every_value_that_a_text_needs_is_given() -> None:
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
    """Every variable that a message refers to."""
    found = [node] if isinstance(node, ftl.VariableReference) else []
    for value in vars(node).values():
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ftl.BaseNode):
                found += _references(child)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_english_sentence_stands_in_python(path: Path) -> None:
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


def test_scripts_hold_no_english() -> None:
    for path in (ROOT / "dashboard/components").glob("*.js"):
        code = re.sub(r"//[^\n]*", "", path.read_text(encoding="utf-8"))
        strings = re.findall(r'"([^"\n]*)"', code)
        assert not [text for text in strings if re.search(r"[A-Z][a-z]+ [a-z]+", text)], path.name


def test_an_unknown_text_and_a_missing_value_are_errors() -> None:
    with pytest.raises(KeyError):
        t("nowhere")
    with pytest.raises(ValueError, match="before-jsd"):
        t("before-jsd", before="1")
    assert NAME.fullmatch("before-jsd")
