"""The what-if page in a browser: modules switched off, titles dragged out, and the state in the address."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.remote.webelement import WebElement

from core.types import Group
from dashboard.services.queries import RunHandle
from tests.browser.browser import BROWSER, chrome, foreign_requests, open_page, text, wait

pytestmark = BROWSER
FIND_IN_SHADOW_ROOTS = """
const hosts = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot && e.shadowRoot.querySelector(arguments[0]));
return hosts.flatMap((e) => [...e.shadowRoot.querySelectorAll(arguments[0])]);
"""


@pytest.fixture(scope="module")
def browser(base_url: str) -> Iterator[tuple[Chrome, str]]:
    with chrome(1440, 1500) as driver:
        yield driver, base_url


def component_elements(driver: Chrome, selector: str) -> list[WebElement]:
    """Elements of the page's components that match `selector` inside their shadow roots."""
    wait(lambda: driver.execute_script(FIND_IN_SHADOW_ROOTS, selector), 20)
    return driver.execute_script(FIND_IN_SHADOW_ROOTS, selector)


def test_modules_are_switched_off_and_titles_left_out(browser: tuple[Chrome, str], run: RunHandle) -> None:
    driver, base = browser
    open_page(driver, base, "what_if", "?run=run-demo")
    wait(lambda: "Nothing is off" in text(driver), 30)
    shared = [row.module for row in run.groups if row.group is Group.SHARED]
    next(one for one in component_elements(driver, ".groups button") if one.get_attribute("value") == "shared").click()
    wait(lambda: f"With {len(shared)} modules off" in text(driver), 20)
    assert all(module in driver.current_url for module in shared)
    before = component_elements(driver, ".tray button")
    ActionChains(driver).drag_and_drop(before[3], component_elements(driver, ".tray")[1]).perform()
    wait(lambda: "and one title left out" in text(driver), 20)
    assert "out=3" in driver.current_url
    component_elements(driver, ".reset")[0].click()
    wait(lambda: "With every module on and one title left out" in text(driver), 20)
    assert "off=" not in driver.current_url
    assert foreign_requests(driver) == []


def test_module_board_is_operated_with_the_keyboard(browser: tuple[Chrome, str], run: RunHandle) -> None:
    driver, base = browser
    open_page(driver, base, "what_if", "?run=run-demo&off=&out=")
    modules = component_elements(driver, ".module")
    assert [module.get_attribute("tabindex") for module in modules].count("0") == 1
    driver.execute_script("arguments[0].focus()", modules[0])
    ActionChains(driver).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_DOWN, Keys.SPACE).perform()
    wait(lambda: "With one module off" in text(driver), 20)
    last = 1 + max(int(row.module[1:].partition(".")[0]) for row in run.groups)
    assert f"a{last - 2}.h1" in driver.current_url


def test_address_restores_modules_and_titles(browser: tuple[Chrome, str], run: RunHandle) -> None:
    base = browser[1]
    module = next(row.module for row in run.groups if row.group is Group.SHARED)
    with chrome() as other:
        shown = open_page(other, base, "what_if", f"?run=run-demo&off={module}&out=0,5")
        wait(lambda: "With one module off and 2 titles left out" in text(other), 30)
        pressed = [e.get_attribute("aria-pressed") for e in component_elements(other, ".module")]
        assert pressed.count("true") == 1 and shown
        assert len(component_elements(other, ".tray:nth-child(2) button")) == 2
