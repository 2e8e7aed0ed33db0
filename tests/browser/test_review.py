"""From an open request to one that is decided, destroyed and looked through, with nothing but the keyboard."""

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver import Chrome, Keys

from core.review.leak_scan import known, rows_of, traces
from core.runs.handle import RunHandle
from core.workspace import Workspace
from tests.browser.browser import BROWSER, chrome, drawn, open_page, served, text, wait
from tests.browser.test_accessibility import barriers, readable

pytestmark = BROWSER
MOST = 150  # stops of the Tab key on any page


@pytest.fixture(scope="module")
def base(run: RunHandle) -> Iterator[str]:
    """The demo, whose run nobody has verified yet."""
    (run.path / "verification.json").unlink()
    with served(run.path.parents[1]) as address:
        yield address


def press(driver: Chrome, *keys: str) -> None:
    driver.switch_to.active_element.send_keys(*keys)
    time.sleep(0.1)


def reach(driver: Chrome, label: str) -> None:
    """Go on with the Tab key until what holds the focus is called so."""
    seen = []
    for _ in range(MOST):
        press(driver, Keys.TAB)
        at = driver.switch_to.active_element
        seen.append(at.accessible_name)
        if seen[-1].startswith(label) and at.tag_name in ("a", "button", "input", "textarea"):
            return
    pytest.fail(f"{label!r} is not reached with the Tab key, only {seen}")


def told(driver: Chrome, sentence: str, seconds: float) -> None:
    wait(lambda: sentence in text(driver) and drawn(driver), seconds)


def test_a_request_is_carried_out_by_keyboard_alone(base: str, run: RunHandle, axe: str) -> None:
    place = Workspace(run.path.parents[1])
    request = place.request("req-demo")
    forgotten = known(request, rows_of(place.interactions, request), place.items)
    with chrome() as driver:
        open_page(driver, base, "overview")
        reach(driver, "Review")
        press(driver, Keys.ENTER)
        told(driver, "One request waits for a decision", 60)
        for label, done, seconds in (
            ("Verify this run", "checks:", 400),
            ("Submit for decision", "One decision is enough", 60),
        ):
            reach(driver, label)
            press(driver, Keys.ENTER)
            told(driver, done, seconds)
        without_barrier(driver, axe)
        reach(driver, "Approve")
        press(driver, Keys.ENTER)
        told(driver, "this is destroyed", 30)
        without_barrier(driver, axe)
        reach(driver, "Reason")
        press(driver, "For the demonstration it will do.")
        reach(driver, "I have read the evidence")
        press(driver, Keys.SPACE)
        time.sleep(3)
        reach(driver, "Approve now")
        press(driver, Keys.ENTER)
        told(driver, "State of the request: carried out", 120)
        reach(driver, "Search every file again")
        press(driver, Keys.ENTER)
        told(driver, "No file of the workspace holds", 60)
        without_barrier(driver, axe)
    assert traces(place.root, forgotten) == [] and not run.path.exists()


def without_barrier(driver: Chrome, axe: str) -> None:
    if wrong := readable(barriers(driver, axe)):
        pytest.fail(wrong, pytrace=False)


def test_a_narrow_screen_reads_it_too(base: str, axe: str) -> None:
    with chrome(390, 900, dark=True) as driver:
        assert "one was carried out" in open_page(driver, base, "review")
        without_barrier(driver, axe)
        assert driver.execute_script("return document.documentElement.scrollWidth <= innerWidth")
