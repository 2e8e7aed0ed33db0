"""The faults that a first trial of the dashboard found, each played again in a browser."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from core.report.numbers import date
from core.review.cases import Cases
from core.review.request_state import request_statuses
from core.runs.handle import RunHandle, open_run
from core.runs.submit import create_run
from core.types import CaseState, RequestState
from core.workspace import Workspace
from dashboard.components.request_card import state_text
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import capital, membership
from tests.browser.browser import BROWSER, chrome, open_page, text, wait
from tests.browser.test_accessibility import frame_documents
from tests.browser.test_four_eyes import approve
from tests.browser.test_review import press, tab_to, wait_for_text

pytestmark = BROWSER


@pytest.fixture(scope="module")
def place(run: RunHandle) -> Workspace:
    """The served copy of the demo."""
    return Workspace(run.path.parents[1])


@pytest.fixture
def driver() -> Iterator[Chrome]:
    with chrome() as opened:
        yield opened


def enabled(driver: Chrome, key: str) -> bool:
    return driver.find_element(By.CSS_SELECTOR, f".st-key-{key} button").is_enabled()


def test_every_page_tells_the_same_state_of_a_request(base_url: str, place: Workspace, driver: Chrome) -> None:
    overview = open_page(driver, base_url, "overview")
    for name, status in request_statuses(place).items():
        shown = capital(state_text(status))
        assert shown in overview and shown in open_page(driver, base_url, "request", f"?request={name}")
        title = t("review-title", request=name, state=state_text(status))
        assert title in open_page(driver, base_url, "review", f"?request={name}")


def test_address_with_an_unknown_run_says_so(base_url: str, driver: Chrome) -> None:
    shown = open_page(driver, base_url, "before_after", "?run=run-gone")
    assert "Run run-gone was not found" in shown and "Run run-forgotten is shown instead" in shown
    shown = open_page(driver, base_url, "review", "?run=run-gone")
    assert "Run run-gone was not found" in shown and "instead" not in shown


def test_membership_and_certainty_are_told_alike(base_url: str, place: Workspace, driver: Chrome) -> None:
    told = membership(open_run(place, "run-forgotten").evaluation)
    for page in ("overview", "report"):
        assert told in open_page(driver, base_url, page, "?run=run-forgotten")
    shown = open_page(driver, base_url, "circuit", "?run=run-demo")
    assert "None of the 36 modules of the model is sure to serve mainly" in shown and "one may, at under 95%" in shown
    shown = open_page(driver, base_url, "circuit", "?run=run-forgotten")  # a method with groups of its own
    assert "modules of the model remember" in shown and "in the same way" not in shown


def test_demo_is_not_overdue_and_its_report_has_the_date_of_the_run(
    base_url: str, place: Workspace, driver: Chrome
) -> None:
    assert "This date has passed" not in open_page(driver, base_url, "overview")
    open_page(driver, base_url, "report", "?run=run-forgotten")
    wait(lambda: frame_documents(driver), 30)
    assert date(open_run(place, "run-forgotten").spec.created) in "".join(frame_documents(driver))


def test_run_at_work_stands_above_the_form_and_a_stopped_one_promises_no_report(
    base_url: str, place: Workspace, driver: Chrome
) -> None:
    waiting = create_run(place, "req-one", "finetune", "cpu", seed=7)
    shown = open_page(driver, base_url, "run", f"?run={waiting.id}")
    assert shown.index(t("run-stop")) < shown.index(t("run-form")) and "a while" not in shown
    waiting.request_cancel()
    shown = open_page(driver, base_url, "report", f"?run={waiting.id}")
    assert t("report-none-ended") in shown and "yet" not in shown and t("watch-run") not in shown
    waiting.discard()


def test_chosen_run_is_submitted_and_named_and_its_rejection_needs_a_reason(
    base_url: str, place: Workspace, driver: Chrome
) -> None:
    open_page(driver, base_url, "review", "?request=req-one")
    driver.find_element(By.CSS_SELECTOR, ".st-key-pick_review_run input").send_keys("run-demo", Keys.ENTER)
    wait_for_text(driver, "it is not shown that enough", 60)  # the newest run, which was shown first, is exact
    tab_to(driver, "Submit for decision")
    press(driver, Keys.ENTER)
    wait_for_text(driver, "The run is submitted for a decision.", 60)
    assert Cases(place).of("req-one").run == "run-demo"
    tab_to(driver, "Reject")
    press(driver, Keys.ENTER)
    wait_for_text(driver, "Request req-one, run run-demo", 30)
    assert "Verdict: Inconclusive." in text(driver) and not enabled(driver, "decide_now")
    tab_to(driver, "I have read the evidence")
    press(driver, Keys.SPACE)
    wait_for_text(driver, "Reject now", 10)
    assert not enabled(driver, "decide_now"), "rejected without a reason"
    assert Cases(place).of("req-one").state is CaseState.PENDING and open_run(place, "run-demo").layout.adapter.is_dir()


def test_approval_while_a_run_waits_is_refused_and_a_recorded_one_is_withdrawn(
    base_url: str, place: Workspace, driver: Chrome
) -> None:
    waiting, cases = create_run(place, "req-demo", "finetune", "cpu", seed=8), Cases(place)
    open_page(driver, base_url, "review", "?request=req-demo&run=run-forgotten")
    tab_to(driver, "Submit for decision")
    press(driver, Keys.ENTER)
    wait_for_text(driver, "One decision is enough", 60)
    approve(driver)
    wait(lambda: "cancel it" in text(driver), 60)
    case = cases.of("req-demo")
    assert case.state is CaseState.PENDING and not case.decisions, "a refused approval was recorded"
    waiting.request_cancel()
    waiting.discard()
    cases.change(
        case.number, lambda one: replace(one, state=CaseState.APPROVED)
    )  # as after a kill before its first step
    assert "Nothing is destroyed yet" in open_page(driver, base_url, "review", "?request=req-demo")
    assert request_statuses(place)["req-demo"].state is RequestState.APPROVED
    tab_to(driver, "Withdraw the approval")
    press(driver, Keys.ENTER)
    wait_for_text(driver, "nothing was destroyed", 60)
    assert cases.of("req-demo").state is CaseState.PENDING
