"""The group editor in a browser: thresholds moved by mouse and keys, pictures saved, an edited run launched."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from core.grouping.regroup import regroup_run
from core.runs.handle import RunHandle, runs
from core.types import GroupEdit
from core.workspace import Workspace
from tests.browser.browser import BROWSER, chrome, foreign_requests, open_page, text, wait, within

pytestmark = BROWSER


@pytest.fixture
def page(base_url: str) -> Iterator[Chrome]:
    with chrome(1440, 1200) as driver:
        yield driver
        assert foreign_requests(driver) == []


def open_groups(driver: Chrome, base: str, query: str = "") -> None:
    open_page(driver, base, "groups", f"?run=run-demo{query}")
    wait(lambda: run_in_editor(driver, "return root && root.querySelectorAll('[data-module]').length"), 20)


def run_in_editor(driver: Chrome, script: str, *arguments):
    return within(driver, ".thresholds", script, *arguments)


def border_handle(driver: Chrome, name: str):
    return run_in_editor(driver, "return root.querySelector(`[data-name=${arguments[0]}]`)", name)


@pytest.mark.parametrize("borders", [(0.35, 0.65), (0.05, 0.5), (0.5, 0.95), (0.5, 0.5)])
def test_drawing_groups_modules_as_core_does(
    page: Chrome, base_url: str, run: RunHandle, borders: tuple[float, float]
) -> None:
    open_groups(page, base_url, f"&low={borders[0]}&high={borders[1]}")
    shown_groups = run_in_editor(
        page, "return [...root.querySelectorAll('[data-module]')].map((e) => [e.dataset.module, e.dataset.group])"
    )
    groups = regroup_run(run.layout, GroupEdit(run.id, *borders)).groups
    assert dict(shown_groups) == {row.module: row.group.value for row in groups}
    counts = Counter(row.group.value for row in groups)
    assert all(f"{name}: {counts[name]}" in run_in_editor(page, "return root.textContent") for name in counts)


def test_border_is_moved_with_mouse_and_keys(page: Chrome, base_url: str) -> None:
    open_groups(page, base_url)
    ActionChains(page).drag_and_drop_by_offset(
        border_handle(page, "high").find_element(By.CSS_SELECTOR, "circle"), -120, 0
    ).perform()
    wait(lambda: "high=0." in page.current_url, 10)
    value = float(border_handle(page, "high").get_attribute("aria-valuenow"))
    assert value > 0.7
    page.execute_script("arguments[0].focus()", border_handle(page, "high"))
    ActionChains(page).send_keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN).perform()
    wait(lambda: f"high={value - 0.02:g}" in page.current_url, 10)
    assert not page.find_element(By.XPATH, "//button[contains(., 'Launch a run with these groups')]").get_attribute(
        "disabled"
    )


def test_picture_is_saved_as_svg_and_png(page: Chrome, base_url: str, tmp_path: Path) -> None:
    open_groups(page, base_url)
    page.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    for button in run_in_editor(page, "return [...root.querySelectorAll('button')]"):
        button.click()
    wait(lambda: len([p for p in tmp_path.iterdir() if p.suffix in (".svg", ".png")]) == 2, 20)
    picture = (tmp_path / "run-demo-groups.svg").read_text()
    assert picture.startswith("<svg") and "forget share" in picture and "var(" not in picture
    assert (tmp_path / "run-demo-groups.png").read_bytes().startswith(b"\x89PNG")


def test_run_with_edited_groups_is_launched_and_shows_its_borders(page: Chrome, base_url: str, run: RunHandle) -> None:
    open_groups(page, base_url, "&low=0.3&high=0.7")
    page.find_element(By.XPATH, "//button[contains(., 'Launch a run with these groups')]").click()
    wait(lambda: "borders 0.3 and 0.7" in text(page), 60)
    new = next(one for one in runs(Workspace(run.path.parent.parent)) if one.id != run.id)
    new.request_cancel()
    assert json.loads((new.path / "spec.json").read_text())["edit"]["low"] == 0.3
    wait(lambda: new.status.state in ("cancelled", "done", "failed"), 120)
    assert new.status.state == "cancelled", new.status.message
