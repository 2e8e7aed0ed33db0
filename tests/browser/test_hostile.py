"""A workspace in which every title and every person is hostile, in a real browser: text everywhere, and nobody else is asked."""

import shutil
from pathlib import Path
from urllib.parse import quote

import pytest
from selenium.common.exceptions import NoAlertPresentException
from selenium.webdriver import Chrome

from core.workspace import Workspace
from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, foreign, open_page, served, text
from tests.dashboard.conftest import make_hostile
from tests.hostile import HOST

pytestmark = BROWSER
# Everything in the page and in the shadow roots of our components: attributes that lead elsewhere or run something.
LIVE = """
const all = (root) => [...root.querySelectorAll('*')].flatMap((e) => [e, ...(e.shadowRoot ? all(e.shadowRoot) : [])]);
const bad = (a) => a.name.startsWith('on') || (['src', 'href', 'action', 'data', 'srcset', 'xlink:href'].includes(a.name)
  && (a.value.includes(arguments[0]) || a.value.startsWith('javascript:')));
return all(document).flatMap((e) => [...e.attributes].filter(bad).map((a) => `${e.tagName} ${a.name}=${a.value}`));
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(ROOT / "assets/demo", tmp_path_factory.mktemp("hostile") / "demo")
    make_hostile(folder)
    return folder


def dialog(driver: Chrome) -> bool:
    try:
        return bool(driver.switch_to.alert)
    except NoAlertPresentException:
        return False


def test_nothing_of_a_title_or_a_name_comes_alive(place: Path) -> None:
    with served(place) as base, chrome() as driver:
        user = Workspace(place).user_split.members[2]
        for page in PAGES:
            shown = open_page(driver, base, page, f"?user={quote(user)}" if page == "request" else "")
            assert not dialog(driver), page
            assert driver.execute_script("return typeof window.pwned") == "undefined", page
            assert driver.execute_script(LIVE, HOST) == [], page
            assert foreign(driver) == [], page
            assert "has encountered an error" not in shown and driver.find_elements("tag name", "h1"), page
        open_page(driver, base, "overview")
        for whole in (":material/home: :material_home:", ":streamlit: :smile: :+1:", "Film -- part <-> two", "$x^2$"):
            assert whole in text(driver).replace("\u2060", "")
