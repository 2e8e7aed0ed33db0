"""Fixtures of the dashboard tests: a copy of the demo workspace, and its pages in Streamlit's AppTest."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from core.types import Item, UserSplit
from core.utils.serialization import read_json, read_json_lines, write_json
from core.workspace import WorkspaceSettings
from dashboard.components.exports import Unvalidated
from dashboard.services import models_ahead
from tests.hostile import HOSTILE, MARKDOWN, STREAMLIT

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "assets/demo"
Page = Callable[..., AppTest]

# Each AppTest run reads the metadata of all installed packages, for a third of its time; they stay the same.
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)


@pytest.fixture(autouse=True)
def charts_are_validated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check each chart that a page draws against Vega-Lite's schema; the dashboard itself leaves this out."""
    monkeypatch.setattr(Unvalidated, "to_dict", lambda shown: shown.chart.to_dict())


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the demo workspace; the dashboard serves it."""
    folder = tmp_path / "demo"
    shutil.copytree(DEMO, folder)
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(folder))
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(models_ahead, "_start", lambda root: None)  # a timer would outlive the folder of the test
    st.cache_resource.clear()
    st.cache_data.clear()
    yield folder


@pytest.fixture
def page(demo: Path) -> Page:
    """Function that draws a page, such as `page("run", run=ID)`, and asserts that it shows no error.

    Without an id it shows the demo's run with circuits, which is not the default run.
    """

    def draw(name: str, errors: bool = False, **query: str) -> AppTest:
        app = open_page(name, {"run": "run-demo"} | query)
        assert errors or not app.error, app.error[0].value
        return app

    return draw


def open_page(name: str, query: dict[str, str] | None = None, **given: dict) -> AppTest:
    """Open a page by its address in a new session; `given` sets AppTest's `user` and `secrets`."""
    app = AppTest.from_file(str(ROOT / "dashboard/app.py"), default_timeout=60)
    for key, value in given.items():
        setattr(app, key, value)
    for key, value in (query or {}).items():
        app.query_params[key] = value
    if name != "overview":  # the default page: its address has no name
        app.switch_page(f"screens/{name}.py")
    assert not app.run().exception
    return app


@pytest.fixture
def hostile_demo(demo: Path) -> Path:
    """The demo workspace with hostile texts as titles, user IDs, reasons and settings."""
    make_hostile(demo)
    return demo


def make_hostile(demo: Path) -> None:
    """Replace titles, user IDs, reasons and settings of a workspace by hostile texts."""
    roles = read_json(demo / "data/roles.json", UserSplit)
    users = {
        user: hostile_text(number)
        for number, user in enumerate((*roles.training_users, *roles.held_out_users, *roles.base_users))
    }
    titles = {
        item.id: hostile_text(number) for number, item in enumerate(read_json_lines(demo / "data/items.jsonl", Item))
    }
    for path in (*demo.glob("data/*.json*"), *demo.glob("requests/*.json"), *demo.glob("runs/*/*.json")):
        lines = path.read_text(encoding="utf-8").splitlines() if path.suffix == ".jsonl" else [path.read_text("utf-8")]
        new = [json.dumps(_replaced(json.loads(line), users, titles)) for line in lines]
        path.write_text("\n".join(new) + "\n", encoding="utf-8")
    settings = read_json(demo / "workspace.json", WorkspaceSettings)
    write_json(
        demo / "workspace.json", replace(settings, name=HOSTILE[0], data=" ".join(HOSTILE[:40]), base_note=HOSTILE[1])
    )


def hostile_text(number: int) -> str:
    """A hostile text that differs for each number."""
    return f"{HOSTILE[number % len(HOSTILE)]} {number}"


def _replaced(value, users: dict[str, str], titles: dict[str, str]):
    """JSON with all user IDs, titles and reasons replaced."""
    if isinstance(value, list):
        return [_replaced(one, users, titles) for one in value]
    if isinstance(value, dict):
        new = {key: _replaced(one, users, titles) for key, one in value.items()}
        item = new.get("item") or new.get("id")
        return (
            new
            | {key: titles.get(item, HOSTILE[2]) for key in new if key == "title"}
            | ({"reason": " ".join((*STREAMLIT, MARKDOWN[-1], *HOSTILE))} if new.get("reason") else {})
        )
    return users.get(value, value) if isinstance(value, str) else value
