"""Four eyes are played in the demo with the keyboard: one person submits, two others approve, nobody approves twice."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from core.review.cases import Cases
from core.runs.handle import RunHandle
from core.types import CaseState
from core.workspace import Workspace
from tests.browser.browser import BROWSER, chrome, open_page, saves_into, served
from tests.browser.test_review import assert_no_barrier, press, saved_record, tab_to, wait_for_text

pytestmark = BROWSER
REQUEST = "req-demo"
OLAF, PETRA, OWEN = "Olaf (operator)", "Petra (privacy officer)", "Owen (product owner)"


@pytest.fixture(scope="module")
def base_url(run: RunHandle) -> Iterator[str]:
    """Address of a copy of the demo."""
    with served(run.path.parents[1]) as address:
        yield address


def buttons(driver: Chrome) -> set[str]:
    """The keys of the decision buttons on the page."""
    return {name for name in ("submit", "approve") if driver.find_elements(By.CSS_SELECTOR, f".st-key-{name} button")}


def play(driver: Chrome, before: str, person: str) -> None:
    """Become the next person of the switch: `before` is the choice that has the focus first."""
    tab_to(driver, before)
    press(driver, Keys.ARROW_RIGHT)
    wait_for_text(driver, f"You are {person.split()[0]} (demo)", 60)


def approve(driver: Chrome) -> None:
    """Approve in the dialog."""
    tab_to(driver, "Approve")
    press(driver, Keys.ENTER)
    wait_for_text(driver, "these are deleted for good", 30)
    tab_to(driver, "I have read the evidence")
    press(driver, Keys.SPACE)
    time.sleep(3)
    tab_to(driver, "Approve now")
    press(driver, Keys.ENTER)


def test_one_submits_and_two_others_approve(base_url: str, run: RunHandle, axe: str, tmp_path: Path) -> None:
    cases = Cases(Workspace(run.path.parents[1]))

    def decided() -> list[str]:
        return [one.person for one in cases.of(REQUEST).decisions]

    with chrome() as driver:
        saves_into(driver, tmp_path)
        open_page(driver, base_url, "review", f"?request={REQUEST}&run=run-forgotten")
        play(driver, "one person with all roles", OLAF)
        tab_to(driver, "Submit for decision")
        press(driver, Keys.ENTER)
        wait_for_text(driver, "The run is submitted for a decision.", 60)
        assert buttons(driver) == set(), "who submitted is offered the decision"
        play(driver, OLAF, PETRA)
        approve(driver)
        wait_for_text(driver, "Your approval is recorded. Next, another person decides.", 120)
        assert decided() == ["Petra (demo)"]
        assert_no_barrier(driver, axe)
        wait_for_text(driver, "a second person must approve.", 60)  # escaped text has a word joiner behind a colon
        assert buttons(driver) == set() and cases.of(REQUEST).state is CaseState.PENDING
        play(driver, PETRA, OWEN)
        approve(driver)
        wait_for_text(driver, "The request is carried out", 240)
        record = saved_record(driver, tmp_path)
    assert decided() == ["Petra (demo)", "Owen (demo)"] and cases.of(REQUEST).operator == "Olaf (demo)"
    assert "Petra (demo) (privacy officer) approved" in record and "Owen (demo) (product owner) approved" in record
    assert "the four-eyes principle was not kept" not in record
    assert not run.path.exists()
