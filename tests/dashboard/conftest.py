"""A copy of the demo workspace, and its pages run by Streamlit's own tester."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.files import read_json, write_json
from core.types import Evaluation, Item
from core.workspace import Workspace, WorkspaceSettings, read_lines, write_lines

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "assets/demo"
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "![x](http://evil.example/x.png)",
    "[click](http://evil.example/)",
    '=HYPERLINK("http://evil.example/")',
    "<script>fetch('http://evil.example/')</script>",
    ":red[danger] $x$ `code` **bold** href",
    "+1 " + "long " * 55,  # as long as a prompt takes
)
Page = Callable[..., AppTest]


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace with one finished run, free to write to; the dashboard looks at it."""
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(folder))
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    st.cache_data.clear()
    yield folder


@pytest.fixture
def page(demo: Path) -> Page:
    """`page("run", run=ID)`: one page drawn, without an exception and without an error."""

    def draw(name: str, errors: bool = False, **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "dashboard/app.py"), default_timeout=60).run()
        for key, value in query.items():
            app.query_params[key] = value
        app.switch_page(f"views/{name}.py").run()
        assert not app.exception
        assert errors or not app.error
        return app

    return draw


@pytest.fixture
def hostile(demo: Path) -> Path:
    """The demo with every title, the workspace's name and the requests' reasons replaced by hostile text."""
    items = read_lines(demo / "data/items.jsonl", Item)
    write_lines(demo / "data/items.jsonl", [replace(item, title=_bad(index)) for index, item in enumerate(items)])
    settings = read_json(demo / "workspace.json", WorkspaceSettings)
    write_json(demo / "workspace.json", replace(settings, name=HOSTILE[0], data=HOSTILE[1]))
    for request in Workspace(demo).requests():
        write_json(demo / f"requests/{request.id}.json", replace(request, reason=" ".join(HOSTILE[:6])))
    for path in (demo / "runs").glob("*/evaluation.json"):
        found = read_json(path, Evaluation)
        write_json(path, replace(found, lists=tuple(_bad_lists(one) for one in found.lists)))
    return demo


def _bad(index: int) -> str:
    return f"{HOSTILE[index % len(HOSTILE)]} {index}"


def _bad_lists(lists):
    def bad(rows):
        return tuple(replace(row, title=_bad(index)) for index, row in enumerate(rows))

    return replace(lists, original=bad(lists.original), unlearned=bad(lists.unlearned), reference=bad(lists.reference))
