"""The tour in a browser, with mouse and keyboard, on wide and narrow screens, and its form for presenters."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from dashboard.presenters.i18n import t
from dashboard.presenters.tour import steps
from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, drawn, foreign_requests, open_page, served, text, wait
from tests.browser.test_accessibility import describe_barriers, find_barriers
from tests.dashboard.test_tour import words

PATH, PRESENTED = steps(PAGES), steps(PAGES, presented=True)
MARKED = """
const marked = [...document.querySelectorAll('[data-toured]')].map((e) => [e.matches(arguments[0]), e.getBoundingClientRect()]);
const strip = document.querySelector('.st-key-tour').getBoundingClientRect();
return marked.map(([own, box]) => [own, box.top - strip.bottom, box.bottom, innerHeight]);
"""
pytestmark = BROWSER


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with served(ROOT / "assets/demo") as address:
        yield address


def button(driver: Chrome, key: str):
    return driver.find_element(By.CSS_SELECTOR, f".st-key-{key} button")


def shows_step(driver: Chrome, number: int, path=PATH) -> bool:
    """Whether the page of a step is drawn with the step's text, and its object stands marked below the strip."""
    step, shown = path[number - 1], text(driver)
    page = "" if step.page == "overview" else step.page
    there = driver.current_url.split("?")[0].endswith(f"/{page}") and f"tour={number}" in driver.current_url
    if not (there and drawn(driver) and words(step) in shown and f"Step {number} of {len(path)}" in shown):
        return False
    found = driver.execute_script(MARKED, step.shows)
    return len(found) == 1 and in_sight(*found[0])


def in_sight(own: bool, below: float, bottom: float, window: float) -> bool:
    """Whether the marked object is the step's own, and it, or the top of a large one, is seen below the strip."""
    return own and below >= 0 and (bottom <= window or below <= 40)


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (390, 844)])
def test_next_button_leads_through_the_whole_tour(base_url: str, width: int, height: int) -> None:
    with chrome(width, height) as driver:
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
        assert len(heights) == 1, f"the strip changes its height: {heights}"
        driver.refresh()
        wait(lambda: shows_step(driver, len(PATH)), 90)
        button(driver, "tour_leave").click()
        wait(lambda: not driver.find_elements(By.CSS_SELECTOR, ".st-key-tour, [data-toured]"), 30)
        assert "tour=" not in driver.current_url and driver.current_url.split("?")[0].endswith(PATH[-1].page)
        assert foreign_requests(driver) == []


def test_tour_is_operated_with_the_keyboard(base_url: str, axe: str) -> None:
    with chrome() as driver:
        open_page(driver, base_url, "overview")
        _tab_to(driver, "tour_start").send_keys(Keys.ENTER)
        for number in (1, 2, 3):
            wait(lambda at=number: shows_step(driver, at), 90)
            _tab_to(driver, "tour_next").send_keys(Keys.ENTER)
        wait(lambda: shows_step(driver, 4), 30)
        assert describe_barriers(find_barriers(driver, axe)) == ""


def test_form_for_presenters_goes_on_by_itself_and_pauses(base_url: str, axe: str) -> None:
    with chrome(1280, 720) as driver:
        open_page(driver, base_url, "overview")
        button(driver, "tour_present").click()
        wait(lambda: shows_step(driver, 1, PRESENTED), 90)
        wait(lambda: shows_step(driver, 2, PRESENTED), 60)  # nobody pressed anything
        button(driver, "tour_pause").click()
        wait(lambda: "pace=paused" in driver.current_url and t("tour-go-on") in text(driver), 30)
        assert describe_barriers(find_barriers(driver, axe)) == ""
        driver.refresh()
        wait(lambda: shows_step(driver, 2, PRESENTED), 90)
        for key, number in ((Keys.PAGE_DOWN, 3), (Keys.PAGE_UP, 2)):  # the keys of a remote control
            driver.find_element(By.TAG_NAME, "body").send_keys(key)
            wait(lambda at=number: shows_step(driver, at, PRESENTED), 60)
        assert "pace=paused" in driver.current_url


def test_declined_tour_is_not_offered_after_a_reload(base_url: str) -> None:
    with chrome() as driver:
        open_page(driver, base_url, "overview")
        button(driver, "tour_not_now").click()
        wait(lambda: "tour=no" in driver.current_url, 30)
        driver.refresh()
        wait(lambda: drawn(driver), 60)
        assert not driver.find_elements(By.CSS_SELECTOR, ".st-key-offer")


def _tab_to(driver: Chrome, key: str):
    """Press Tab until the button has the focus."""
    for _ in range(60):
        active = driver.switch_to.active_element
        if active == button(driver, key):
            return active
        active.send_keys(Keys.TAB)
    raise AssertionError(f"Tab never reaches {key}.")
