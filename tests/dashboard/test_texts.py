"""All English of the pages is in one file, whole: nothing is asked for that is not there, nothing is there unasked."""

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl
from fluent.syntax.visitor import Visitor

from core.pipeline import STAGES
from core.types import Group, RunState
from dashboard import palette, words
from dashboard.texts import ENGLISH, Texts, t

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dashboard").rglob("*.py"))
# Pages that are being rewritten: their English is not in the file yet.
NOT_YET = ("views/circuit.py", "views/before_after.py")
# What core calls a stage, which is its id; the page shows a text for it.
IDS = ("contrast prompts",)
COMMAND = "python -m core "  # typed in a shell, in whatever language
ERRORS = ("KeyError", "RuntimeError", "ValueError")  # for us; pages show a CureLensError only


# ---------------------------------------------------------------- the file


class Named(Visitor):
    """What a message needs: its values, and the messages it refers to."""

    def __init__(self, message: ftl.Message) -> None:
        self.values: set[str] = set()
        self.messages: set[str] = set()
        self.visit(message)

    def visit_VariableReference(self, node: ftl.VariableReference) -> None:
        self.values.add(node.id.name)

    def visit_MessageReference(self, node: ftl.MessageReference) -> None:
        self.messages.add(node.id.name)


ENTRIES = FluentParser().parse(ENGLISH.read_text(encoding="utf-8")).body
MESSAGES = {entry.id.name: Named(entry) for entry in ENTRIES if isinstance(entry, ftl.Message)}


def test_the_file_holds_no_line_that_cannot_be_read_and_no_name_twice() -> None:
    assert not [entry.content for entry in ENTRIES if isinstance(entry, ftl.Junk)]
    names = Counter(entry.id.name for entry in ENTRIES if isinstance(entry, ftl.Message))
    assert not [name for name, times in names.items() if times > 1]


# ---------------------------------------------------------------- who asks for what


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, list[str], set[str]]]:
    """Every `t(...)` and `Texts({...})`: the call, the names it may ask for, and the values that it passes."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id == "t":
            yield node, list(names(node.args[0])), {keyword.arg or "**" for keyword in node.keywords}
        elif node.func.id == "Texts":
            found = node.args[0]
            assert isinstance(found, ast.Dict), f"line {node.lineno}: write the names out"
            yield node, [name for value in found.values for name in names(value)], set()


def names(node: ast.expr) -> Iterator[str]:
    """The names that an expression may give, all written out."""
    if isinstance(node, ast.IfExp):
        yield from names(node.body)
        yield from names(node.orelse)
    elif isinstance(node, ast.Tuple):
        for one in node.elts:
            yield from names(one)
    else:
        assert isinstance(node, ast.Constant), f"line {node.lineno}: write the name out, or use Texts"
        yield node.value


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def others() -> list[Path]:
    """Every file but the one that defines `t`."""
    return [path for path in FILES if path.name != "texts.py"]


@pytest.mark.parametrize("path", others(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_text_that_is_asked_for_exists_and_gets_the_values_it_needs(path: Path) -> None:
    for call, asked, passed in calls(parsed(path)):
        for name in asked:
            assert name in MESSAGES, f"{path.name}:{call.lineno}: {name} is not in english.ftl"
            assert passed == MESSAGES[name].values, f"{path.name}:{call.lineno}: {name}"


def test_every_text_in_the_file_is_used() -> None:
    used = {name for path in others() for _, asked, _ in calls(parsed(path)) for name in asked}
    used |= {name for message in MESSAGES.values() for name in message.messages}
    assert sorted(set(MESSAGES) - used) == []


def test_whatever_core_can_say_has_a_text() -> None:
    assert set(words.GROUP_NAMES) == set(words.GROUP_WORDS) == set(Group)
    assert set(words.STATES) == set(palette.BADGES) == {*words.RUN_SENTENCES, RunState.DONE} == set(RunState)
    assert list(words.STAGES) == list(STAGES)
    assert set(words.TERMS) == set(words.LEGEND)


# ---------------------------------------------------------------- no English elsewhere


def english(tree: ast.AST) -> list[str]:
    """Strings in which a person would read words: two words in a row, or one beside a value that is filled in."""
    silent = {id(node) for quiet in ast.walk(tree) for node in _unread(quiet)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [
        _whole(node)
        for node in ast.walk(tree)
        if id(node) not in silent | parts and isinstance(node, ast.Constant | ast.JoinedStr)
    ]
    return [text for text in texts if text not in IDS and not text.startswith(COMMAND) and says_something(text)]


def _unread(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, and what an error says that no page shows."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value
    if isinstance(node, ast.Raise) and ast.unparse(node.exc or node).startswith(ERRORS):
        yield from ast.walk(node)


def _whole(node: ast.Constant | ast.JoinedStr) -> str:
    """A string with ● for every value that is filled in."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(part.value if isinstance(part, ast.Constant) else "●" for part in node.values)


def says_something(text: str) -> bool:
    """Whether words are left once style sheets, scripts, tags and JSON are taken away."""
    try:
        return isinstance(json.loads(text), str)
    except ValueError:
        text = re.sub(r"(?s)<(style|script)>.*?</\1>|<[^>]*>", " ", text)
    kinds = [_kind(token) for token in text.split()]
    return any("word" in pair and set(pair) <= {"word", "value"} for pair in pairwise(kinds))


def _kind(token: str) -> str:
    if re.fullmatch(r"\W*[^\W\d_]{2,}(['’][a-z]+)?\W*", token) and "●" not in token:
        return "word"
    return "value" if token.strip(".,:;()*") == "●" else "other"


@pytest.mark.parametrize("path", others(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_english_stands_in_python(path: Path) -> None:
    if str(path.relative_to(ROOT / "dashboard")) not in NOT_YET:
        assert english(parsed(path)) == []


@pytest.mark.parametrize(
    "text", ["Save all", "● people", "about ● left", "Person's name", "<b>Full screen</b>", "(needed: ●)"]
)
def test_english_is_recognised(text: str) -> None:
    assert says_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "<style>html, body { margin: 0; }</style>",
        '{"physics": {"enabled": false}, "edges": {"smooth": false}}',
        "default-src 'none'; img-src data:",
        ":material/home:",
        "width * 0.25 - 14",
        'datum.value == 1 ? ● : format(datum.value, ".1f")',
        "● (●)",
        "%b %Y",
    ],
)
def test_code_is_not_taken_for_english(text: str) -> None:
    assert not says_something(text)


def test_docstrings_and_raised_errors_are_not_read_on_a_page() -> None:
    tree = ast.parse(
        '"""One sentence."""\ndef f():\n    raise ValueError("Not a page.")\nraise CureLensError(f"{f} people")'
    )
    assert english(tree) == ["● people"]


# ---------------------------------------------------------------- reading


def test_a_text_that_is_not_there_and_a_value_that_is_missing_are_errors() -> None:
    with pytest.raises(KeyError):
        t("nobody-says-this")
    with pytest.raises(ValueError, match="Unknown external: low"):
        t("range", high="1")


def test_long_values_come_through_whole() -> None:
    long = "`" + "x" * 20_000 + "`"
    assert t("report-holds-data", folder=long).endswith(long)


def test_numbers_agree_with_their_words() -> None:
    assert t("duration-seconds", seconds=1) == "1 second"
    assert t("duration-seconds", seconds=1200) == "1,200 seconds"


def test_texts_are_read_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = Texts({"a": "move-same", "b": "move-new"})
    monkeypatch.setattr("dashboard.texts.t", str.upper)
    assert dict(texts) == {"a": "MOVE-SAME", "b": "MOVE-NEW"}
