"""The tour in a browser, with mouse and keyboard, on wide and narrow screens."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dashboard.presenters.i18n import t
from dashboard.presenters.tour import steps
from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, drawn, foreign_requests, open_page, served, text, wait

PATH = steps(PAGES)
pytestmark = BROWSER


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with served(ROOT / "assets/demo") as address:
        yield address


def button(driver: Chrome, key: str):
    return driver.find_element(By.CSS_SELECTOR, f".st-key-{key} button")


def shows_step(driver: Chrome, number: int) -> bool:
    """Whether the page of a step is drawn with the step's text."""
    step, shown = PATH[number - 1], text(driver)
    page = "" if step.page == "overview" else step.page
    there = driver.current_url.split("?")[0].endswith(f"/{page}") and f"tour={number}" in driver.current_url
    return there and drawn(driver) and t(step.text, users=17) in shown and f"Step {number} of {len(PATH)}" in shown


@pytest.mark.parametrize("width", [1440, 390])
def test_next_button_leads_through_the_whole_tour(base_url: str, width: int) -> None:
    with chrome(width, 900) as driver:
        open_page(driver, base_url, "overview")
        button(driver, "tour_start").click()
        heights = set()
        for number in range(1, len(PATH) + 1):
            wait(lambda at=number: shows_step(driver, at), 90)
            assert "has encountered an error" not in text(driver)
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            heights.add(round(driver.find_element(By.CSS_SELECTOR, ".st-key-tour").size["height"]))
            if number < len(PATH):
                button(driver, "tour_next").click()
        assert len(heights) == 1, "the strip changes its height"
        assert not button(driver, "tour_next").is_enabled()
        button(driver, "tour_leave").click()
        wait(lambda: not driver.find_elements(By.CSS_SELECTOR, ".st-key-tour"), 30)
        assert "tour=" not in driver.current_url and driver.current_url.split("?")[0].endswith(PATH[-1].page)
        assert foreign_requests(driver) == []


def test_tour_is_operated_with_the_keyboard(base_url: str) -> None:
    with chrome() as driver:
        open_page(driver, base_url, "overview")
        _tab_to(driver, "tour_start").send_keys(Keys.ENTER)
        for number in (1, 2, 3):
            wait(lambda at=number: shows_step(driver, at), 90)
            _tab_to(driver, "tour_next").send_keys(Keys.ENTER)
        wait(lambda: shows_step(driver, 4), 30)


def _tab_to(driver: Chrome, key: str):
    """Press Tab until the button has the focus."""
    for _ in range(60):
        active = driver.switch_to.active_element
        if active == button(driver, key):
            return active
        active.send_keys(Keys.TAB)
    raise AssertionError(f"Tab never reaches {key}.")
