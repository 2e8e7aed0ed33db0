"""The explorer in a real browser: presses, search, keys and filters, on the drawing itself."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from core.types import Group
from dashboard.presenters.phrases import module_title
from dashboard.services.queries import RunHandle
from tests.browser.browser import BROWSER, chrome, foreign, open_page, text, wait, within

pytestmark = BROWSER


@pytest.fixture
def page(served_at: str) -> Iterator[Chrome]:
    with chrome() as driver:
        opened(driver, served_at)
        yield driver
        assert foreign(driver) == []


def opened(driver: Chrome, base: str, query: str = "") -> None:
    open_page(driver, base, "circuit", query)
    wait(lambda: root(driver, "return root && root.dataset.shown"), 20)


def root(driver: Chrome, script: str, *arguments):
    return within(driver, ".explorer", script, *arguments)


def press(driver: Chrome, part: str, beside: int = 0) -> None:
    root(driver, "root.scrollIntoView({block: 'center'})")
    x, y = root(driver, "return root.where(arguments[0])", part)
    actions = ActionChains(driver)
    actions.w3c_actions.pointer_action.move_to_location(round(x) + beside, round(y)).click()
    actions.perform()


def shown(driver: Chrome, part: str) -> bool:
    title = module_title(part)
    return title[0].upper() + title[1:] in text(driver) and root(driver, "return root.dataset.selected") == part


def test_a_press_shows_the_part_even_a_little_beside_it(page: Chrome, run: RunHandle) -> None:
    for row, beside in zip(run.groups[:12:5], (0, 8, -8), strict=True):
        press(page, row.module, beside)
        wait(lambda: shown(page, row.module), 20)  # noqa: B023
        assert f"module={row.module}" in page.current_url


def test_a_part_is_found_by_name_with_the_keyboard_alone(page: Chrome, run: RunHandle) -> None:
    part = run.groups[-1].module
    field = root(page, "return root.querySelector('input[type=search]')")
    field.send_keys(module_title(part), Keys.ENTER)
    wait(lambda: shown(page, part), 20)


def test_arrows_walk_over_the_drawing(page: Chrome) -> None:
    press(page, "a1.h3")
    wait(lambda: shown(page, "a1.h3"), 20)
    ActionChains(page).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP).perform()
    wait(lambda: shown(page, "a2.h4"), 20)
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    wait(lambda: "Select a module" in text(page), 20)


def test_filters_work_on_the_spot_and_stand_in_the_address(page: Chrome) -> None:
    slide = (
        "const s = root.querySelector('input[type=range]'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    )
    before = int(root(page, "return root.dataset.shown"))
    root(page, slide, 10)
    wait(lambda: int(root(page, "return root.dataset.shown")) == 10, 5)
    assert before > 10
    root(page, "return root.querySelectorAll('fieldset input')[0]").click()  # no queries
    wait(lambda: int(root(page, "return root.dataset.shown")) <= 10, 5)
    wait(lambda: "show=10.0.k.v.other" in page.current_url, 10)


def test_a_pinned_part_keeps_its_connections(page: Chrome, run: RunHandle) -> None:
    root(page, "const s = root.querySelector('input[type=range]'); s.value = 0; s.dispatchEvent(new Event('input'))")
    press(page, "m0")
    wait(lambda: shown(page, "m0"), 20)
    own = int(root(page, "return root.dataset.shown"))
    ActionChains(page).send_keys(Keys.ENTER).perform()
    press(page, "a3.h1")
    wait(lambda: shown(page, "a3.h1"), 20)
    assert int(root(page, "return root.dataset.shown")) >= own > 0


def test_an_address_opens_the_same_part_and_view(served_at: str, run: RunHandle) -> None:
    part = next(row.module for row in run.groups if row.group is Group.FORGET)
    with chrome(390, 844) as phone:
        opened(phone, served_at, f"?module={part}&show=5.1.q.k.v.other")
        wait(lambda: shown(phone, part), 20)
        assert root(phone, "return root.querySelector('input[type=range]').value") == "5"
        assert phone.execute_script("return document.documentElement.scrollWidth") <= 390
