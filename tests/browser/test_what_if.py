"""The what-if journey in a real browser: parts switched on the board, titles dragged out, an address that holds it all."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.remote.webelement import WebElement

from core.types import Group
from dashboard.services.queries import RunHandle
from tests.browser.browser import BROWSER, chrome, foreign, open_page, text, wait

pytestmark = BROWSER
INSIDE = """
const hosts = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot && e.shadowRoot.querySelector(arguments[0]));
return hosts.flatMap((e) => [...e.shadowRoot.querySelectorAll(arguments[0])]);
"""


@pytest.fixture(scope="module")
def browser(served_at: str) -> Iterator[tuple[Chrome, str]]:
    with chrome(1440, 1500) as driver:
        yield driver, served_at


def inside(driver: Chrome, selector: str) -> list[WebElement]:
    """Elements of the page's own components, which live in shadow roots."""
    wait(lambda: driver.execute_script(INSIDE, selector), 20)
    return driver.execute_script(INSIDE, selector)


def test_parts_are_switched_and_titles_left_out(browser: tuple[Chrome, str], run: RunHandle) -> None:
    driver, base = browser
    open_page(driver, base, "what_if")
    wait(lambda: "Nothing is off" in text(driver), 30)
    own = [row.module for row in run.groups if row.group is Group.FORGET]
    inside(driver, ".groups button")[0].click()
    wait(lambda: f"With {len(own)} modules off" in text(driver), 20)
    assert all(part in driver.current_url for part in own)
    before = inside(driver, ".tray button")
    ActionChains(driver).drag_and_drop(before[3], inside(driver, ".tray")[1]).perform()
    wait(lambda: "and one title left out" in text(driver), 20)
    assert "out=3" in driver.current_url
    inside(driver, ".reset")[0].click()
    wait(lambda: "With every module on and one title left out" in text(driver), 20)
    assert "off=" not in driver.current_url
    assert foreign(driver) == []


def test_the_board_is_walked_with_the_keyboard(browser: tuple[Chrome, str], run: RunHandle) -> None:
    driver, base = browser
    open_page(driver, base, "what_if", "?off=&out=")
    parts = inside(driver, ".module")
    assert [part.get_attribute("tabindex") for part in parts].count("0") == 1
    driver.execute_script("arguments[0].focus()", parts[0])
    ActionChains(driver).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.SPACE).perform()
    wait(lambda: "With one module off" in text(driver), 20)
    last = 1 + max(int(row.module[1:].partition(".")[0]) for row in run.groups)
    assert f"a{last - 2}.h1" in driver.current_url


def test_an_address_opens_the_same_answer(browser: tuple[Chrome, str], run: RunHandle) -> None:
    base = browser[1]
    part = next(row.module for row in run.groups if row.group is Group.FORGET)
    with chrome() as other:
        shown = open_page(other, base, "what_if", f"?off={part}&out=0,5")
        wait(lambda: "With one module off and 2 titles left out" in text(other), 30)
        pressed = [e.get_attribute("aria-pressed") for e in inside(other, ".module")]
        assert pressed.count("true") == 1 and shown
        assert len(inside(other, ".tray:nth-child(2) button")) == 2
