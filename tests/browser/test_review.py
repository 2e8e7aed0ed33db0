"""The officer's journey with the keyboard alone: overview, verification, decision, destruction, search, filed record."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys

from core.review.forgotten_data import forgotten_data_of
from core.review.leak_scan import find_leaks
from core.runs.handle import RunHandle
from core.workspace import Workspace
from tests.browser.browser import BROWSER, chrome, drawn, open_page, saves_into, served, text, wait
from tests.browser.test_accessibility import describe_barriers, find_barriers

pytestmark = BROWSER
MAX_TABS = 150  # limit of Tab presses on a page


@pytest.fixture(scope="module")
def base_url(run: RunHandle) -> Iterator[str]:
    """Address of the demo, whose run is not verified; of its references two, because asking them takes long."""
    (run.path / "verification.json").unlink()
    for seed in (103, 104, 105):
        shutil.rmtree(Workspace(run.path.parents[1]).layout.reference("req-one", seed))
    with served(run.path.parents[1]) as address:
        yield address


def press(driver: Chrome, *keys: str) -> None:
    driver.switch_to.active_element.send_keys(*keys)
    time.sleep(0.1)


def tab_to(driver: Chrome, label: str) -> None:
    """Press Tab until the focused control's name starts with `label`."""
    names = []
    for _ in range(MAX_TABS):
        press(driver, Keys.TAB)
        focused = driver.switch_to.active_element
        names.append(focused.accessible_name)
        if names[-1].startswith(label) and focused.tag_name in ("a", "button", "input", "textarea"):
            return
    pytest.fail(f"{label!r} is not reached with the Tab key, only {names}")


def wait_for_text(driver: Chrome, sentence: str, seconds: float) -> None:
    wait(lambda: sentence in text(driver) and drawn(driver), seconds)


def saved_record(driver: Chrome, folder: Path) -> str:
    """Save the record of the request with the keyboard, and return it."""
    tab_to(driver, "Save the record")
    press(driver, Keys.ENTER)
    wait(lambda: list(folder.glob("*.html")), 30)
    return next(folder.glob("*.html")).read_text(encoding="utf-8")


def test_request_is_carried_out_with_the_keyboard_alone(
    base_url: str, run: RunHandle, axe: str, tmp_path: Path
) -> None:
    workspace = Workspace(run.path.parents[1])
    request = workspace.request("req-one")  # the first to be answered
    forgotten_data = forgotten_data_of(request, workspace.interactions.covered(request), workspace.items)
    with chrome() as driver:
        saves_into(driver, tmp_path)
        open_page(driver, base_url, "overview")
        tab_to(driver, "Review")
        press(driver, Keys.ENTER)
        wait_for_text(driver, "verification finished, to be reviewed", 60)
        for label, result, seconds in (
            ("Verify again", "The verification is finished.", 400),
            ("Submit for decision", "One decision is enough", 60),
        ):
            tab_to(driver, label)
            press(driver, Keys.ENTER)
            wait_for_text(driver, result, seconds)
        assert_no_barrier(driver, axe)
        tab_to(driver, "Approve")
        press(driver, Keys.ENTER)
        wait_for_text(driver, "these are deleted for good", 30)
        assert_no_barrier(driver, axe)
        tab_to(driver, "Reason")
        press(driver, "For the demonstration it will do.")
        tab_to(driver, "I have read the evidence")
        press(driver, Keys.SPACE)
        time.sleep(3)
        tab_to(driver, "Approve now")
        press(driver, Keys.ENTER)
        wait_for_text(driver, "The request is carried out", 120)
        assert "Carried out" in text(driver) and "request=req-one" in driver.current_url  # not the next request
        tab_to(driver, "Search every file again")
        press(driver, Keys.ENTER)
        wait_for_text(driver, "No file of the workspace holds", 60)
        assert_no_barrier(driver, axe)
        record = saved_record(driver, tmp_path)
    assert "req-one" in record and "For the demonstration it will do." in record and "u060" not in record
    assert not find_leaks(workspace.root, forgotten_data).problems
    assert not (run.path.parent / "run-demo").exists() and not (run.path.parent / "run-retrained").exists()


def assert_no_barrier(driver: Chrome, axe: str) -> None:
    if violations := describe_barriers(find_barriers(driver, axe)):
        pytest.fail(violations, pytrace=False)


def test_narrow_screen_shows_the_closed_request(base_url: str, axe: str) -> None:
    with chrome(390, 900, dark=True) as driver:
        shown = open_page(driver, base_url, "review", "?request=req-one")
        assert "carried out" in shown and "Carried out" in shown
        assert_no_barrier(driver, axe)
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
