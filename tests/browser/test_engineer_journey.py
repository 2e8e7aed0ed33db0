"""The engineer's journey in a browser: open a request, train its references, launch two runs, compare them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from core.runs.handle import open_run
from core.types import RunState
from core.workspace import Workspace
from dashboard.presenters.i18n import t
from tests.browser.browser import BROWSER, chrome, foreign_requests, open_page, served, text, wait
from tests.browser.test_accessibility import describe_barriers, find_barriers

pytestmark = BROWSER
TIMEOUT = 600  # seconds that a training or a run may take on a busy machine


@pytest.fixture
def place(prepared: Path, tmp_path: Path) -> Workspace:
    """A workspace whose models train in seconds."""
    return Workspace(shutil.copytree(prepared, tmp_path / "served"))


@pytest.fixture
def base(place: Workspace) -> Iterator[str]:
    with served(place.root) as address:
        yield address


def press(page: Chrome, label: str) -> None:
    """Press a button or follow a link with the keyboard."""
    wait(lambda: find(page, label), TIMEOUT)
    element = find(page, label)[0]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", element)
    ActionChains(page).send_keys(Keys.ENTER).perform()


def find(page: Chrome, label: str) -> list:
    found = page.find_elements(By.XPATH, f"//*[self::button or self::a][contains(., '{label}')]")
    return [one for one in found if one.is_displayed() and one.is_enabled()]


def launch(page: Chrome, place: Workspace, base: str, request: str, method: str) -> str:
    """Launch a run from its form and wait until it is done; returns its id."""
    open_page(page, base, "run", f"?request={request}&method={method}")
    press(page, t("run-form-launch"))
    wait(lambda: re.search(r"[?&]run=run-", page.current_url), 120)
    run = open_run(place, re.search(r"run=(run-\w+)", page.current_url)[1])
    assert run.spec.request == request
    wait(lambda: run.status.state is RunState.DONE, TIMEOUT)
    return run.id


def test_request_leads_by_references_and_runs_to_a_comparison(base: str, place: Workspace, axe: str) -> None:
    user = place.user_split.training_users[5]
    with chrome(1440, 1200) as page:
        open_page(page, base, "request", f"?user={user}")
        press(page, t("request-open"))
        wait(lambda: re.search(r"[?&]request=req-", page.current_url), 60)
        request = re.search(r"request=(req-\w+)", page.current_url)[1]
        wait(lambda: "No reference is ready" in text(page), 60)
        press(page, "Train 5 references")
        wait(lambda: "Reference 1 of 5" in text(page), 120)
        with chrome(1440, 1200) as other:  # a second browser finds the training at work
            assert "Train 5 references" not in open_page(other, base, "request", f"?request={request}")
        wait(lambda: "5 references are ready for this request: enough for a verdict" in text(page), TIMEOUT)
        assert len(place.reference_folders(request)) == 5
        assert describe_barriers(find_barriers(page, axe)) == ""
        press(page, t("references-next"))
        wait(lambda: "/run" in page.current_url and find(page, t("run-form-launch")), 60)
        names = [launch(page, place, base, request, method) for method in ("cure_merge", "uniform")]
        open_page(page, base, "overview")
        for box in page.find_elements(By.XPATH, "//label[contains(., 'Compare run-')]//input"):
            page.execute_script("arguments[0].focus()", box)
            ActionChains(page).send_keys(Keys.SPACE).perform()
            wait(lambda: not page.find_elements(By.CSS_SELECTOR, "[data-test-script-state=running]"), 30)
        press(page, "Compare the 2 ticked runs")
        wait(lambda: t("compare-cost") in text(page), 60)
        assert all(name in page.current_url and name in text(page) for name in names)
        assert describe_barriers(find_barriers(page, axe)) == ""
        assert foreign_requests(page) == []
        shown = page.current_url.partition("?")[2]
    with chrome(390, 900) as phone:  # the link shows the same comparison elsewhere
        copy = open_page(phone, base, "compare", f"?{shown}")
        assert all(name in copy for name in names) and t("compare-verdict") in copy
