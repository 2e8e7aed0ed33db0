"""Runs watched in a real browser: the page closed and opened again in mid-run, a killed worker, a run that waits its turn."""

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
from tests.browser.browser import BROWSER, chrome, foreign, open_page, text, wait
from tests.browser.test_accessibility import barriers, readable

pytestmark = BROWSER
SLOW = 600  # seconds that a run may take on a busy machine
NAMES = [capital(name) for name in STAGES.values()]
BAR = re.compile(rf"({'|'.join(NAMES)}): (\d+)%")
STEP = re.compile(r"Step (\d+) of \d+")


@pytest.fixture
def workspace(run: RunHandle) -> Iterator[Workspace]:
    """The served one; whatever a test leaves at work is stopped, as it would hold the device."""
    place = Workspace(run.path.parent.parent)
    shutil.rmtree(place.root / "references", ignore_errors=True)  # the longest part of a run is asking them
    yield place
    left = [one for one in runs(place) if one.status.state in (RunState.QUEUED, RunState.RUNNING, RunState.LOST)]
    for one in left:
        with suppress(RunError):  # it ended meanwhile
            one.request_cancel()
    wait(lambda: all(one.status.state in (RunState.CANCELLED, RunState.DONE) for one in left), 60)


@contextmanager
def window(base: str, query: str) -> Iterator[Chrome]:
    """The run page in a browser of its own, which is gone afterwards."""
    with chrome(1440, 1200) as page:
        open_page(page, base, "run", query)
        yield page
        assert foreign(page) == []


def launched(workspace: Workspace, seed: int, steps: int) -> RunHandle:
    new = create_run(workspace, workspace.requests()[0].id, "uniform", "cpu", seed, steps)
    start(new)
    return new


def title(page: Chrome) -> str:
    return page.find_element(By.TAG_NAME, "h1").text


def press(page: Chrome, label: str) -> None:
    page.find_element(By.XPATH, f"//button[contains(., '{label}')]").click()


def steps(run: RunHandle) -> list[int]:
    return [event["step"] for event in run.events() if event["kind"] == "step"]


def test_a_run_launched_on_the_page_is_found_as_it_stands_after_the_window_was_closed(
    served_at: str, workspace: Workspace
) -> None:
    with window(served_at, f"?request={workspace.requests()[0].id}") as page:
        page.find_element(By.XPATH, "//*[contains(@class, 'st-key-method')]//label[.//p[.='Uniform']]").click()
        press(page, t("run-form-device-cpu"))
        press(page, t("run-form-estimate"))
        wait(lambda: "give or take a factor of two" in text(page), 120)
        press(page, t("run-form-launch"))
        wait(lambda: re.search(r"[?&]run=run-", page.current_url), 60)
        query = page.current_url.partition("?")[2]
        new = open_run(workspace, re.search(r"run=(run-\w+)", query)[1])
        assert (new.spec.method, new.spec.device) == ("uniform", "cpu")
        wait(lambda: STEP.search(text(page)), SLOW)
        known = new.status
    wait(lambda: new.status.progress > known.progress, 60)  # nobody watches, and it goes on
    earlier, taken = new.status, len(steps(new))
    with window(served_at, f"?{query}") as page:
        shown, later = text(page), new.status
        page.execute_script("window.sameDocument = true")
        assert new.id in shown
        if t("run-running") in shown:
            stage, percent = BAR.search(shown).groups()
            earliest, told, latest = (
                NAMES.index(capital(name)) for name in (STAGES[earlier.stage], stage, STAGES[later.stage])
            )
            assert earliest <= told <= latest
            assert earlier.progress - 0.005 <= int(percent) / 100 <= later.progress + 0.005  # the page rounds
            assert taken <= int(STEP.search(shown)[1]) <= len(steps(new))
        else:  # a fast machine
            assert later.state is RunState.DONE and "The run finished in " in shown
        wait(lambda: t("run-compare") in text(page), SLOW)
        assert title(page).startswith("The run finished in ") and new.status.state is RunState.DONE
        assert page.execute_script("return window.sameDocument"), "the page was loaded anew"


def test_a_run_whose_worker_was_killed_behind_a_closed_page_is_lost_and_goes_on_by_a_button(
    served_at: str, workspace: Workspace, axe: str
) -> None:
    new = launched(workspace, seed=1, steps=60)
    with window(served_at, f"?run={new.id}") as page:
        wait(lambda: STEP.search(text(page)), SLOW)
    assert new.status.worker is not None
    os.kill(new.status.worker.pid, signal.SIGKILL)
    wait(lambda: new.status.state is RunState.LOST, 10)
    with window(served_at, f"?run={new.id}") as page:
        assert title(page) == t("run-lost") == "The run has lost its worker process."
        assert "died without a message" in text(page) and t("run-give-up") in text(page)
        assert readable(barriers(page, axe)) == ""
        press(page, t("run-resume"))
        wait(lambda: title(page) == t("run-running"), SLOW)
        wait(lambda: t("run-compare") in text(page), SLOW)
        assert title(page).startswith("The run finished in ") and t("run-resume") not in text(page)
    assert new.status.state is RunState.DONE and new.outcome is not None
    assert [event["attempt"] for event in new.events() if event["kind"] == "attempt"] == [1, 2]
    assert steps(new) == list(range(1, new.outcome.steps + 1)), "a step was told twice, or never"


def test_a_second_run_waits_for_the_first_and_is_stopped_at_once(served_at: str, workspace: Workspace) -> None:
    first = launched(workspace, seed=2, steps=400)
    wait(lambda: first.status.state is RunState.RUNNING, SLOW)
    second = launched(workspace, seed=3, steps=400)
    with window(served_at, f"?run={second.id}") as page:
        assert title(page) == t("run-queued")
        wait(lambda: "Waiting: one run comes first" in text(page), 10)
        press(page, t("run-stop"))
        wait(lambda: second.status.state is RunState.CANCELLED, 5)
        assert first.status.state is RunState.RUNNING
        wait(lambda: title(page) == t("run-cancelled"), 20)
        assert t("run-stop") not in text(page)
    assert not steps(second)
