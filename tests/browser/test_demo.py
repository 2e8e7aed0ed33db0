"""The demo in a browser: every page shows its texts, requests stay local, and a launched run finishes."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from core.runs.handle import runs
from core.types import RunState
from core.workspace import Workspace
from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, foreign_requests, open_page, served, text, wait

DEMO = ROOT / "assets/demo"
RUN_TIMEOUT = 600  # seconds until a run counts as hanging; it should take 90 on two free cores
EXPECTED_TEXTS = {
    "overview": ("Requests", "Runs", "to be reviewed"),
    "request": ("What the model learned from this user", "Open the request"),
    "circuit": (
        "Select a module or a connection",
        "Circuit for",
        "Does this circuit explain the model?",
        "All modules",
    ),
    "what_if": ("Modules", "History", "Unchanged", "Changed"),
    "groups": ("Borders between the groups", "Move modules by hand", "What it changes", "All modules"),
    "run": ("finished", "Launch a new run"),
    "before_after": (
        "What the model knows about the forgotten data",
        "Before",
        "After",
        "Retrained reference",
        "Other users",
    ),
    "compare": (
        "alone passes its verification",
        "How much is forgotten?",
        "Forgetting against quality",
        "What did it cost?",
    ),
    "review": (
        "verification finished, to be reviewed",
        "In earnest two people must approve",
        "Is it forgotten?",
        "Submit for decision",
        "was verified",
    ),
    "report": ("Summary", "Where the data still exists"),
    "benchmark": ("At equal quality", "Forgetting against quality", "All figures"),
}
QUERIES = {page: "?run=run-demo" for page in ("circuit", "what_if", "groups")}  # the run with circuits
QUERIES["compare"] = "?runs=run-demo,run-retrained"
pytestmark = BROWSER


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser") / "demo"
    shutil.copytree(DEMO, folder)
    return folder


@pytest.fixture(scope="module")
def base(demo: Path) -> Iterator[str]:
    with served(demo) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chrome() as driver:
        yield driver


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_its_texts_and_makes_no_foreign_request(base: str, demo: Path, browser: Chrome, page: str) -> None:
    user = Workspace(demo).user_split.training_users[0]
    query = f"?user={user}" if page == "request" else QUERIES.get(page, "")
    shown = open_page(browser, base, page, query)
    assert not [words for words in EXPECTED_TEXTS[page] if words not in shown]
    assert "has encountered an error" not in shown and "complian" not in shown.lower()
    assert foreign_requests(browser) == []


def test_narrow_screen_needs_no_horizontal_scrolling(base: str) -> None:
    with chrome(390, 844) as phone:
        for page in PAGES:
            open_page(phone, base, page, QUERIES.get(page, ""))
            assert phone.execute_script("return document.documentElement.scrollWidth") <= 390


def test_run_launched_from_the_page_finishes(base: str, demo: Path, browser: Chrome) -> None:
    known_runs = {run.id for run in runs(Workspace(demo))}
    finished = next(run for run in runs(Workspace(demo)) if run.status.state is RunState.DONE)
    for seed in (103, 104, 105):  # asking references takes long
        shutil.rmtree(Workspace(demo).layout.reference(finished.spec.request, seed))
    open_page(browser, base, "run", f"?request={finished.spec.request}")
    started = time.monotonic()
    browser.find_element(By.XPATH, "//button[contains(., 'Launch the run')]").click()
    wait(lambda: "The run is working" in text(browser) or "waits for its worker" in text(browser), 30)
    wait(lambda: "The run finished" in text(browser) or "because of an error" in text(browser), RUN_TIMEOUT)
    run = next(run for run in runs(Workspace(demo)) if run.id not in known_runs)
    assert run.status.state is RunState.DONE, run.status.message
    print(f"launched and finished in {time.monotonic() - started:.0f} s")
    assert f"run={run.id}" in browser.current_url
    assert run.id in open_page(browser, base, "before_after", f"?run={run.id}")
    assert foreign_requests(browser) == []
