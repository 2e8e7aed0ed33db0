"""The demo in a real browser: every page is full, and nothing leaves the machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from core.workspace import Workspace
from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, foreign, open_page, served

DEMO = ROOT / "assets/demo"
SAYS = {
    "overview": ("Requests", "Runs", "Next:"),
    "request": ("What the model learned from them", "Open the request"),
    "circuit": ("How the parts connect", "What does a part do?", "Is this circuit enough?", "All parts"),
    "what_if": ("Parts", "History", "As it is", "Changed"),
    "groups": ("Where the borders lie", "Move parts by hand", "What it changes", "All parts"),
    "run": ("finished", "Launch a new run"),
    "before_after": ("How far it came", "Before", "After", "A model that never saw it", "Everyone else"),
    "review": ("One request waits for an answer", "not four eyes", "checks:", "Submit for decision", "was verified"),
    "report": ("In plain words", "What still holds the data"),
    "benchmark": ("At equal quality", "Forgetting against quality", "All figures"),
}
pytestmark = BROWSER


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "demo"
    shutil.copytree(DEMO, folder)
    return folder


@pytest.fixture(scope="module")
def base(demo: Path) -> Iterator[str]:
    with served(demo) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chrome() as driver:
        yield driver


@pytest.mark.parametrize("page", PAGES)
def test_every_page_is_full_and_stays_on_this_machine(base: str, demo: Path, browser: Chrome, page: str) -> None:
    query = f"?user={Workspace(demo).roles.members[0]}" if page == "request" else ""
    shown = open_page(browser, base, page, query)
    assert not [words for words in SAYS[page] if words not in shown]
    assert "has encountered an error" not in shown and "complian" not in shown.lower()
    assert foreign(browser) == []
