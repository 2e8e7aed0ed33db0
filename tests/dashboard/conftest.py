"""A copy of the demo workspace, and its pages run by Streamlit's own tester."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.types import Item, UserSplit
from core.utils.serialization import read_json, read_json_lines, write_json
from core.workspace import WorkspaceSettings
from tests.hostile import HOSTILE, MARKDOWN, STREAMLIT

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "assets/demo"
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
        app = opened(name, query)
        assert errors or not app.error
        return app

    return draw


def opened(name: str, query: dict[str, str] | None = None, **given: dict) -> AppTest:
    """A page as its address opens it, without another one drawn before; `given` are the tester's user and secrets."""
    app = AppTest.from_file(str(ROOT / "dashboard/app.py"), default_timeout=60)
    for key, value in given.items():
        setattr(app, key, value)
    for key, value in (query or {}).items():
        app.query_params[key] = value
    if name != "overview":  # which has no name in its address
        app.switch_page(f"screens/{name}.py")
    assert not app.run().exception
    return app


@pytest.fixture
def hostile(demo: Path) -> Path:
    """The demo with every title, every person and whatever else somebody may have written replaced by hostile text."""
    make_hostile(demo)
    return demo


def make_hostile(demo: Path) -> None:
    roles = read_json(demo / "data/roles.json", UserSplit)
    people = {user: bad(place) for place, user in enumerate((*roles.members, *roles.holdout, *roles.crowd))}
    titles = {item.id: bad(place) for place, item in enumerate(read_json_lines(demo / "data/items.jsonl", Item))}
    for path in (*demo.glob("data/*.json*"), *demo.glob("requests/*.json"), *demo.glob("runs/*/*.json")):
        lines = path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text("utf-8")]
        new = [json.dumps(_replaced(json.loads(line), people, titles)) for line in lines]
        path.write_text("\n".join(new) + "\n", encoding="utf-8")
    settings = read_json(demo / "workspace.json", WorkspaceSettings)
    write_json(
        demo / "workspace.json", replace(settings, name=HOSTILE[0], data=" ".join(HOSTILE[:40]), base_note=HOSTILE[1])
    )


def bad(place: int) -> str:
    return f"{HOSTILE[place % len(HOSTILE)]} {place}"


def _replaced(value, people: dict[str, str], titles: dict[str, str]):
    """JSON with people, titles and reasons replaced, wherever they stand."""
    if isinstance(value, list):
        return [_replaced(one, people, titles) for one in value]
    if isinstance(value, dict):
        new = {key: _replaced(one, people, titles) for key, one in value.items()}
        item = new.get("item") or new.get("id")
        return (
            new
            | {key: titles.get(item, HOSTILE[2]) for key in new if key == "title"}
            | ({"reason": " ".join((*STREAMLIT, MARKDOWN[-1], *HOSTILE))} if new.get("reason") else {})
        )
    return people.get(value, value) if isinstance(value, str) else value
