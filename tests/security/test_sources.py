"""What no source of ours may do, read from the syntax tree: a comment or a string proves nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for name in ("core", "dashboard", "benchmarks") for path in (ROOT / name).rglob("*.py"))
FORBIDDEN_NAMES = {
    "eval",
    "exec",
    "compile",
    "__import__",
}  # as calls; methods such as model.eval() and re.compile are others
FORBIDDEN_CALLS = {"torch.load", "os.system", "os.popen", "yaml.load", "numpy.load", "np.load", "torch.hub.load"}
FORBIDDEN_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
ARCHIVES = {"tarfile", "zipfile", "zipimport"}  # a member's path can lead anywhere
# One archive is opened: a wheel with a pinned SHA-256, of which one member is read by its known name.
PINNED_ARCHIVE = "core/models/base_fetch.py"
FORBIDDEN_OPTIONS = {
    "unsafe_allow_html": False,
    "trust_remote_code": False,
    "shell": False,
    "allow_pickle": False,
    "resolve_path": False,  # of an output: it follows links that somebody planted in a workspace
}


def flaws(source: str, path: str = "") -> Iterator[str]:
    forbidden = FORBIDDEN_MODULES if path == PINNED_ARCHIVE else FORBIDDEN_MODULES | ARCHIVES
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imported(node, forbidden)
        if isinstance(node, ast.Call):
            yield from _called(node)
        if isinstance(node, ast.Dict):  # options that are kept in a dictionary first
            pairs = zip(node.keys, node.values, strict=True)
            yield from (
                flaw for key, value in pairs if isinstance(key, ast.Constant) for flaw in _option(key.value, value)
            )


def _imported(node: ast.Import | ast.ImportFrom, forbidden: set[str]) -> Iterator[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
    if bad := {name.partition(".")[0] for name in names} & forbidden:
        yield f"line {node.lineno} imports {bad}"
    if isinstance(node, ast.ImportFrom):
        whole = {f"{node.module}.{alias.name}" for alias in node.names}
        yield from (f"line {node.lineno} imports {name}" for name in whole & FORBIDDEN_CALLS)


def _called(node: ast.Call) -> Iterator[str]:
    name = ast.unparse(node.func)
    if name in FORBIDDEN_NAMES | FORBIDDEN_CALLS or name.endswith(("unpack_archive", ".extractall")):
        yield f"line {node.lineno} calls {name}"
    for keyword in node.keywords:
        yield from _option(keyword.arg, keyword.value)


def _option(name: object, value: ast.expr) -> Iterator[str]:
    if name in FORBIDDEN_OPTIONS and not (isinstance(value, ast.Constant) and value.value is False):
        yield f"line {value.lineno} sets {name} to {ast.unparse(value)}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_or_unpickles_what_somebody_brings(path: Path) -> None:
    assert list(flaws(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())) == []


@pytest.mark.parametrize(
    "bad",
    [
        "st.markdown(x, unsafe_allow_html=True)",
        "st.markdown(x, unsafe_allow_html=allowed)",
        "AutoModel.from_pretrained(x, trust_remote_code=True)",
        "options = {'trust_remote_code': True}",
        "subprocess.run(x, shell=True)",
        "torch.load(x)",
        "torch.load(x, weights_only=True)",
        "from torch import load",
        "import pickle",
        "from zipfile import ZipFile",
        "shutil.unpack_archive(x)",
        "wheel.extractall()",
        "typer.Option('--out', resolve_path=True)",
        "eval(x)",
        "exec(x)",
        "os.system(x)",
    ],
)
def test_the_test_finds_each(bad: str) -> None:
    assert list(flaws(bad))


@pytest.mark.parametrize(
    "good", ["model.eval()", "re.compile(x)", "load(x)", "f(trust_remote_code=False)", "'eval(x)'"]
)
def test_and_nothing_else(good: str) -> None:
    assert not list(flaws(good))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_models_and_tokenizers_say_that_no_code_of_theirs_runs(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and re.fullmatch(r"Auto\w+\.from_pretrained", ast.unparse(node.func)):
            assert "trust_remote_code" in {keyword.arg for keyword in node.keywords}, f"line {node.lineno}"


@pytest.mark.parametrize("path", sorted((ROOT / "dashboard").rglob("*.js")), ids=lambda path: path.name)
def test_no_script_of_ours_turns_text_into_html(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    text = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
    as_html = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "createContextualFragment")
    as_code, asks = ("eval(", "Function(", "import("), ("http://", "https://", "fetch(", "XMLHttpRequest", "WebSocket")
    assert [name for name in (*as_html, *as_code, *asks) if name in text] == []


# These work elsewhere: in the user's own folders, in a folder that is not yet a workspace, or on the one layer's behalf.
FREE_TO_WRITE = {
    "core/benchmark/scenarios.py", "core/cli/demo.py", "core/demo/build.py", "core/ledger/key_folder.py",
    "core/models/base_fetch.py", "core/pipeline/given_models.py", "core/review/vault.py", "core/runs/launchers.py",
    "core/utils/atomic_io.py", "core/utils/file_locks.py", "core/utils/no_links.py", "core/ledger/chain.py",
}  # fmt: skip
CHANGES = re.compile(
    r"shutil\.(rmtree|copy\w*|move)|os\.(replace|rename\w*|mkdir|makedirs|unlink|remove\w*|rmdir)|"
    r".*\.(unlink|rename|rmdir|mkdir|touch|write_text|write_bytes|symlink_to|hardlink_to)"
)


@pytest.mark.parametrize(
    "path",
    [one for one in SOURCES if one.is_relative_to(ROOT / "core") or one.is_relative_to(ROOT / "dashboard")],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_of_a_workspace_are_changed_through_one_layer_only(path: Path) -> None:
    """core.utils.atomic_io, which follows no link."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    found = [f"line {node.lineno}" for node in calls if CHANGES.fullmatch(ast.unparse(node.func)) or _writes(node)]
    assert not found or path.relative_to(ROOT).as_posix() in FREE_TO_WRITE


def _writes(node: ast.Call) -> bool:
    """Whether a call opens a file by its path to write to it."""
    opens = ast.unparse(node.func).endswith("open")
    return opens and any(
        isinstance(one, ast.Constant) and re.fullmatch("[rb]*[wax+][b+]*", str(one.value)) for one in node.args
    )


def test_two_lines_say_how_a_process_of_python_is_started() -> None:
    """With -P and with -I, which keep packages of the current folder away."""
    named = [str(path.relative_to(ROOT)) for path in SOURCES if "sys.executable" in path.read_text(encoding="utf-8")]
    assert [one for one in named if not one.startswith("benchmarks/")] == [
        "core/models/adapter_fit.py",
        "core/utils/commands.py",
    ]
