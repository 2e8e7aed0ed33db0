"""Runs in a browser: a page reopened during a run, a killed worker, and a queued run that is stopped."""

import os
import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from core.errors import RunError
from core.runs.handle import RunHandle, open_run, runs
from core.runs.submit import create_run, start
from core.types import RunState
from core.workspace import Workspace
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import STAGES, capital
from tests.browser.browser import BROWSER, chrome, foreign_requests, open_page, text, wait
from tests.browser.test_accessibility import describe_barriers, find_barriers

pytestmark = BROWSER
RUN_TIMEOUT = 600  # seconds that a run may take on a busy machine
NAMES = [capital(name) for name in STAGES.values()]
BAR = re.compile(rf"({'|'.join(NAMES)}): (\d+)%")
STEP = re.compile(r"Step (\d+) of \d+")


@pytest.fixture
def workspace(run: RunHandle) -> Iterator[Workspace]:
    """The served workspace; runs that a test leaves active are stopped afterwards, because they hold the device."""
    served = Workspace(run.path.parent.parent)
    # Evaluating the references takes most of a run's time.
    shutil.rmtree(served.root / "references", ignore_errors=True)
    yield served
    active = [one for one in runs(served) if one.status.state in (RunState.QUEUED, RunState.RUNNING, RunState.LOST)]
    for one in active:
        with suppress(RunError):  # the run has ended
            one.request_cancel()
    wait(lambda: all(one.status.state in (RunState.CANCELLED, RunState.DONE) for one in active), 60)


@contextmanager
def run_page(base: str, query: str) -> Iterator[Chrome]:
    """The run page in a new browser, which is closed afterwards."""
    with chrome(1440, 1200) as page:
        open_page(page, base, "run", query)
        yield page
        assert foreign_requests(page) == []


def launch(workspace: Workspace, seed: int, steps: int) -> RunHandle:
    new = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed, steps)
    start(new)
    return new


def title_of(page: Chrome) -> str:
    return page.find_element(By.TAG_NAME, "h1").text


def click_button(page: Chrome, label: str) -> None:
    page.find_element(By.XPATH, f"//button[contains(., '{label}')]").click()


def steps_of(run: RunHandle) -> list[int]:
    return [event["step"] for event in run.events() if event["kind"] == "step"]


def test_reopened_page_shows_the_progress_of_the_run(base_url: str, workspace: Workspace) -> None:
    with run_page(base_url, f"?request={workspace.requests()[0].id}") as page:
        page.find_element(By.XPATH, f"//summary[contains(., '{t('run-form-other')}')]").click()
        uniform = (By.XPATH, "//*[contains(@class, 'st-key-method')]//label[.//p[.='Uniform']]")
        wait(lambda: page.find_element(*uniform).is_displayed(), 20)
        page.find_element(*uniform).click()
        click_button(page, t("run-form-device-cpu"))
        click_button(page, t("run-form-estimate"))
        wait(lambda: "give or take a factor of two" in text(page), 120)
        click_button(page, t("run-form-launch"))
        wait(lambda: re.search(r"[?&]run=run-", page.current_url), 60)
        query = page.current_url.partition("?")[2]
        new = open_run(workspace, re.search(r"run=(run-\w+)", query)[1])
        assert (new.spec.method, new.spec.device) == ("uniform", "cpu")
        wait(lambda: STEP.search(text(page)), RUN_TIMEOUT)
        before = new.status
    wait(lambda: new.status.progress > before.progress, 60)  # the run continues while the page is closed
    earlier, taken = new.status, len(steps_of(new))
    with run_page(base_url, f"?{query}") as page:
        shown, later = text(page), new.status
        assert new.id in shown
        if t("run-running") in shown:
            stage, percent = BAR.search(shown).groups()
            earliest, displayed, latest = (
                NAMES.index(capital(name)) for name in (STAGES[earlier.stage], stage, STAGES[later.stage])
            )
            assert earliest <= displayed <= latest
            # The page rounds percentages.
            assert earlier.progress - 0.005 <= int(percent) / 100 <= later.progress + 0.005
            assert taken <= int(STEP.search(shown)[1]) <= len(steps_of(new))
        else:  # the run has finished already
            assert later.state is RunState.DONE and "The run finished in " in shown


def test_run_with_killed_worker_is_lost_and_resumed(base_url: str, workspace: Workspace, axe: str) -> None:
    new = launch(workspace, seed=1, steps=30)
    with run_page(base_url, f"?run={new.id}") as page:
        wait(lambda: STEP.search(text(page)), RUN_TIMEOUT)
    assert new.status.worker is not None
    os.kill(new.status.worker.pid, signal.SIGKILL)
    wait(lambda: new.status.state is RunState.LOST, 10)
    with run_page(base_url, f"?run={new.id}") as page:
        assert title_of(page) == t("run-lost") == "The run has lost its worker process."
        assert "died without a message" in text(page) and t("run-give-up") in text(page)
        assert describe_barriers(find_barriers(page, axe)) == ""
        page.execute_script("window.sameDocument = true")
        click_button(page, t("run-resume"))
        wait(lambda: title_of(page) == t("run-running"), RUN_TIMEOUT)
        wait(lambda: t("run-compare") in text(page), RUN_TIMEOUT)
        assert title_of(page).startswith("The run finished in ") and t("run-resume") not in text(page)
        assert page.execute_script("return window.sameDocument"), "the page was reloaded"
    assert new.status.state is RunState.DONE and new.outcome is not None
    assert [event["attempt"] for event in new.events() if event["kind"] == "attempt"] == [1, 2]
    assert steps_of(new) == list(range(1, new.outcome.steps + 1)), "a step was reported twice or not at all"


def test_second_run_waits_for_the_first_and_is_stopped(base_url: str, workspace: Workspace) -> None:
    first = launch(workspace, seed=2, steps=400)
    wait(lambda: first.status.state is RunState.RUNNING, RUN_TIMEOUT)
    second = launch(workspace, seed=3, steps=400)
    with run_page(base_url, f"?run={second.id}") as page:
        assert title_of(page) == t("run-queued")
        wait(lambda: "Waiting: one run comes first" in text(page), 10)
        click_button(page, t("run-stop"))
        wait(lambda: second.status.state is RunState.CANCELLED, 20)
        assert first.status.state is RunState.RUNNING
        wait(lambda: title_of(page) == t("run-cancelled"), 20)
        assert t("run-stop") not in text(page)
    assert not steps_of(second)
