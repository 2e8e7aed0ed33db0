"""A served dashboard and a headless Chromium, for the browser tests and the screenshots."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

ROOT = Path(__file__).parents[2]
CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
BROWSER = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM.exists() and DRIVER.exists()), reason="needs Debian's chromium and chromium-driver"
    ),
]
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars",
)  # fmt: skip
PAGES = (
    "overview",
    "request",
    "circuit",
    "what_if",
    "groups",
    "run",
    "before_after",
    "compare",
    "review",
    "report",
    "benchmark",
)


@contextmanager
def served(workspace: Path, script: Path = ROOT / "dashboard/server.py") -> Iterator[str]:
    """Serve a dashboard of `workspace`, or another Streamlit script, on a free port; yields its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    environment = os.environ | {"CURE_LENS_WORKSPACE": str(workspace), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait(lambda: _healthy(port), 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def _healthy(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).status == 200
    except OSError:
        return False


@contextmanager
def chrome(width: int = 1440, height: int = 900, dark: bool = False) -> Iterator[Chrome]:
    """A new headless Chromium that logs all its requests."""
    with tempfile.TemporaryDirectory() as profile:
        options = ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        driver = Chrome(options=options, service=Service(str(DRIVER)))
        try:
            resize(driver, width, height)
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield driver
        finally:
            driver.quit()


def resize(driver: Chrome, width: int, height: int) -> None:
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)


def saves_into(driver: Chrome, folder: Path) -> None:
    """Let the browser save downloads in `folder` without asking."""
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})


def open_page(driver: Chrome, base: str, page: str, query: str = "", seconds: float = 60) -> str:
    """Open a page, wait until it is drawn, and return its text."""
    driver.get(f"{base}/{'' if page == 'overview' else page}{query}")
    wait(lambda: drawn(driver), seconds)
    time.sleep(0.8)
    return text(driver)


def drawn(driver: Chrome) -> bool:
    """Whether the page shows its title and no script is running."""
    running = driver.find_elements(
        By.CSS_SELECTOR, "[data-testid=stApp][data-test-script-state=running], [data-testid=stSkeleton]"
    )
    return bool(driver.find_elements(By.TAG_NAME, "h1")) and not running


def text(driver: Chrome) -> str:
    return driver.find_element(By.TAG_NAME, "body").text


def within(driver: Chrome, component: str, script: str, *arguments):
    """Run `script` in the page; `root` is the element of a component inside its shadow root."""
    find = """
    const hosts = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot && e.shadowRoot.querySelector('%s'));
    const root = hosts[0]?.shadowRoot.querySelector('%s');
    """
    return driver.execute_script(find % (component, component) + script, *arguments)


def wait(condition, seconds: float) -> None:
    """Wait until `condition()` is true; raises TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"Not true within {seconds} seconds: {condition}")
        time.sleep(0.25)


def foreign_requests(driver: Chrome) -> list[str]:
    """All addresses outside this machine that the browser requested since the last call."""
    entries = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    urls = [entry["params"]["request"]["url"] for entry in entries if entry["method"] == "Network.requestWillBeSent"]
    return [
        url
        for url in urls
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname != "127.0.0.1"
    ]
