"""Hostile titles and user IDs in a browser: every page shows them as text and makes no foreign request."""

import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import Chrome

from core.workspace import Workspace
from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, foreign_requests, open_page, served, text
from tests.dashboard.conftest import make_hostile
from tests.hostile import HOST

pytestmark = BROWSER
# Finds attributes of the page and of its shadow roots that refer to the hostile host or run a script.
FIND_LIVE_ATTRIBUTES = """
const all = (root) => [...root.querySelectorAll('*')].flatMap((e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
const bad = (a) => a.name.startsWith('on') || (['src', 'href', 'action', 'data', 'srcset', 'xlink:href'].includes(a.name)
  && (a.value.includes(arguments[0]) || a.value.startsWith('javascript:')));
return all(document).flatMap((e) => [...e.attributes].filter(bad).map((a) => `${e.tagName} ${a.name}=${a.value}`));
"""


@pytest.fixture(scope="module")
def hostile_demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the demo workspace with hostile texts."""
    folder = shutil.copytree(ROOT / "assets/demo", tmp_path_factory.mktemp("hostile") / "demo")
    make_hostile(folder)
    return folder


def has_dialog(driver: Chrome) -> bool:
    try:
        return bool(driver.switch_to.alert)
    except NoAlertPresentException:
        return False


def test_hostile_titles_and_users_stay_text(hostile_demo: Path) -> None:
    with served(hostile_demo) as base, chrome() as driver:
        user = Workspace(hostile_demo).user_split.training_users[2]
        for page in PAGES:
            shown = open_page(driver, base, page, f"?run=run-demo&user={quote(user)}")
            assert not has_dialog(driver), page
            assert driver.execute_script("return typeof window.pwned") == "undefined", page
            assert driver.execute_script(FIND_LIVE_ATTRIBUTES, HOST) == [], page
            assert foreign_requests(driver) == [], page
            assert "has encountered an error" not in shown and driver.find_elements("tag name", "h1"), page
        open_page(driver, base, "overview", "?run=run-demo")
        for hostile_text in (
            ":material/home: :material_home:",
            ":streamlit: :smile: :+1:",
            "Film -- part <-> two",
            "$x^2$",
        ):
            assert hostile_text in text(driver).replace("\u2060", "")
