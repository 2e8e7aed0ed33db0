"""The circuit explorer in a browser: clicks, search, keys, filters and addresses."""

from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from core.types import Group
from dashboard.presenters.phrases import module_title
from dashboard.services.queries import RunHandle
from tests.browser.browser import BROWSER, chrome, foreign_requests, open_page, text, wait, within

pytestmark = BROWSER


@pytest.fixture
def page(base_url: str) -> Iterator[Chrome]:
    with chrome() as driver:
        open_explorer(driver, base_url)
        yield driver
        assert foreign_requests(driver) == []


def open_explorer(driver: Chrome, base: str, query: str = "") -> None:
    open_page(driver, base, "circuit", f"?run=run-demo{query}")
    wait(lambda: run_in_explorer(driver, "return root && root.dataset.shown"), 20)


def run_in_explorer(driver: Chrome, script: str, *arguments):
    return within(driver, ".explorer", script, *arguments)


def click_module(driver: Chrome, module: str, offset: int = 0) -> None:
    run_in_explorer(driver, "root.scrollIntoView({block: 'center'})")
    x, y = run_in_explorer(driver, "return root.where(arguments[0])", module)
    actions = ActionChains(driver)
    actions.w3c_actions.pointer_action.move_to_location(round(x) + offset, round(y)).click()
    actions.perform()


def shows_module(driver: Chrome, module: str) -> bool:
    title = module_title(module)
    return (
        title[0].upper() + title[1:] in text(driver)
        and run_in_explorer(driver, "return root.dataset.selected") == module
    )


def test_click_on_or_near_a_module_shows_it(page: Chrome, run: RunHandle) -> None:
    for row, offset in zip(run.groups[:12:5], (0, 8, -8), strict=True):
        click_module(page, row.module, offset)
        wait(lambda: shows_module(page, row.module), 20)  # noqa: B023
        assert f"module={row.module}" in page.current_url


def test_module_is_found_by_name_with_the_keyboard(page: Chrome, run: RunHandle) -> None:
    module = run.groups[-1].module
    field = run_in_explorer(page, "return root.querySelector('input[type=search]')")
    field.send_keys(module_title(module), Keys.ENTER)
    wait(lambda: shows_module(page, module), 20)


def test_arrow_keys_move_the_selection(page: Chrome) -> None:
    click_module(page, "a1.h3")
    wait(lambda: shows_module(page, "a1.h3"), 20)
    ActionChains(page).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP).perform()
    wait(lambda: shows_module(page, "a2.h4"), 20)
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    wait(lambda: "Select a module" in text(page), 20)


def test_filters_apply_at_once_and_appear_in_the_address(page: Chrome) -> None:
    set_range = (
        "const s = root.querySelector('input[type=range]'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    )
    before = int(run_in_explorer(page, "return root.dataset.shown"))
    run_in_explorer(page, set_range, 10)
    wait(lambda: int(run_in_explorer(page, "return root.dataset.shown")) == 10, 5)
    assert before > 10
    run_in_explorer(page, "return root.querySelectorAll('fieldset input')[0]").click()  # hides edges into queries
    wait(lambda: int(run_in_explorer(page, "return root.dataset.shown")) <= 10, 5)
    wait(lambda: "show=10.0.k.v.other" in page.current_url, 10)


def test_pinned_module_keeps_its_connections(page: Chrome, run: RunHandle) -> None:
    run_in_explorer(
        page, "const s = root.querySelector('input[type=range]'); s.value = 0; s.dispatchEvent(new Event('input'))"
    )
    click_module(page, "m0")
    wait(lambda: shows_module(page, "m0"), 20)
    own = int(run_in_explorer(page, "return root.dataset.shown"))
    ActionChains(page).send_keys(Keys.ENTER).perform()
    click_module(page, "a3.h1")
    wait(lambda: shows_module(page, "a3.h1"), 20)
    assert int(run_in_explorer(page, "return root.dataset.shown")) >= own > 0


def test_address_restores_the_module_and_view(base_url: str, run: RunHandle) -> None:
    module = next(row.module for row in run.groups if row.group is Group.SHARED)
    with chrome(390, 844) as phone:
        open_explorer(phone, base_url, f"&module={module}&show=5.1.q.k.v.other")
        wait(lambda: shows_module(phone, module), 20)
        assert run_in_explorer(phone, "return root.querySelector('input[type=range]').value") == "5"
        assert phone.execute_script("return document.documentElement.scrollWidth") <= 390
