"""Benchmark of the dashboard's response times in a real browser, beside what an empty Streamlit page costs.

    python benchmarks/dashboard.py      writes benchmarks/dashboard.md; about 8 minutes on two cores; needs Chromium

Headless Chromium at 1440 x 900 opens a copy of the demo world, to which a random circuit of 2,000 modules and 20,000
edges is added (seed 0). An empty Streamlit app with two pages and a button is measured in the same rounds: no page of
ours can be faster, and on a busy machine the ratio to it says more than the milliseconds. While many browsers read,
one is Chromium and the others speak Streamlit's protocol (benchmarks/sessions.py), each with a pause before each page.
"""

import asyncio
import base64
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread

import streamlit
from selenium.webdriver import Chrome

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.sessions import PAUSE, load  # noqa: E402
from benchmarks.synthetic_run import write_run  # noqa: E402
from tests.browser.browser import PAGES, chrome, drawn, open_page, served, wait  # noqa: E402

TIMES, LARGE, CROWDS = 5, "run-large", (10, 30)
LAYERS, HEADS, EDGES = 50, 39, 20_000  # 50 x (39 heads + 1 MLP) = 2,000 modules
FIRST, CLICK = "1,000 ms", "200 ms"
FIRST_PAGES = ("overview", "review")  # pages that people open by an address
EMPTY = """
import streamlit as st
def one():
    st.title("One")
    st.button("Again", key="again")
    st.markdown(f"drawn {st.session_state.setdefault('count', 0)}")
    st.session_state["count"] += 1
def two():
    st.title("Two")
st.navigation([st.Page(one, default=True), st.Page(two)]).run()
"""
# Each script measures in the browser, from the event to the first frame with the result.
FRAME = """
const done = arguments[arguments.length - 1], started = performance.now();
const when = (ready) => ready() ? requestAnimationFrame(() => done(performance.now() - started)) : requestAnimationFrame(() => when(ready));
const title = () => document.querySelector('h1')?.textContent, idle = () => !document.querySelector('[data-test-script-state=running]');
"""
NAVIGATE = (
    FRAME
    + """
const before = title();
document.querySelector(`[data-testid=stSidebarNav] a[href$="/${arguments[0]}"]`).click();
when(() => title() && title() !== before && idle() && !document.querySelector('[data-testid=stSkeleton]'));
"""
)
AGAIN = (
    FRAME
    + """
const text = () => document.querySelector('[data-testid=stMarkdown]').textContent, before = text();
document.querySelector('.st-key-again button').click();
when(() => text() !== before);
"""
)
WITHIN = """
const hosts = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot && e.shadowRoot.querySelector('.explorer'));
const root = hosts[0].shadowRoot.querySelector('.explorer');
"""
SLIDE = (
    FRAME
    + WITHIN
    + """
const slider = root.querySelector('input[type=range]'), before = root.dataset.shown;
slider.value = Math.round(slider.max * arguments[0]);
slider.dispatchEvent(new Event('input'));
when(() => root.dataset.shown !== before);
"""
)
PRESS = (
    WITHIN
    + """
const [name, title, done] = arguments, started = performance.now(), found = {};
const stage = root.querySelector('.stage'), [clientX, clientY] = root.where(name);
const look = () => {
  if (!found.mark && root.dataset.selected === name) found.mark = performance.now() - started;
  if ([...document.querySelectorAll('h3')].some((h) => h.textContent.includes(title))) done([found.mark, performance.now() - started]);
  else requestAnimationFrame(look);
};
for (const kind of ['pointermove', 'pointerdown', 'pointerup'])
  stage.dispatchEvent(new PointerEvent(kind, { clientX, clientY, bubbles: true }));
look();
"""
)
TRACE = (
    FRAME
    + """
[...document.querySelectorAll('button')].find((one) => one.textContent.includes('Trace this prompt')).click();
when(() => document.body.innerText.includes('nodes alone keep'));
"""
)
Times = dict[str, list[float]]


def opened(driver: Chrome, address: str, mark: str = "") -> float:
    """Seconds from opening an address to the drawn page, or to its painted graph with the performance mark `mark`."""
    driver.get("about:blank")
    started = time.perf_counter()
    driver.get(address)
    if mark:
        wait(lambda: driver.execute_script(f"return performance.getEntriesByName('{mark}').length"), 60)
        painted = driver.execute_script(f"return performance.getEntriesByName('{mark}')[0].startTime") / 1000
        wait(lambda: drawn(driver), 60)
        return float(painted)
    while not drawn(driver):
        time.sleep(0.01)
    return time.perf_counter() - started


def clicked(driver: Chrome, script: str, *given: object) -> float:
    """Seconds that a script measures."""
    return float(driver.execute_async_script(script, *given)) / 1000


def empty_times(driver: Chrome, base: str) -> Times:
    """First paint, navigation and a button of the empty app."""
    times: Times = {"open": [], "navigate": [], "click": []}
    for _ in range(TIMES):
        times["open"].append(opened(driver, base))
        time.sleep(0.5)
        times["click"].append(clicked(driver, AGAIN))
        times["navigate"].append(clicked(driver, NAVIGATE, "two"))
    return times


def page_times(driver: Chrome, base: str) -> tuple[Times, Times]:
    """Seconds to open a page by its address, and each page by a click in the navigation, after one warm-up each."""
    by_address: Times = {page: [] for page in FIRST_PAGES}
    by_click: Times = {page: [] for page in PAGES}
    for turn in range(TIMES + 1):
        for page in FIRST_PAGES:
            seconds = opened(driver, f"{base}/{'' if page == 'overview' else page}?run=run-demo")
            by_address[page] += [seconds] if turn else []
    for turn in range(TIMES + 1):
        for page in (*PAGES[1:], PAGES[0]):
            time.sleep(0.3)
            seconds = clicked(driver, NAVIGATE, "" if page == "overview" else page)
            by_click[page] += [seconds] if turn else []
    return by_address, by_click


def explorer_times(driver: Chrome, base: str, run: str, modules: Sequence[str]) -> Times:
    """First paint, slider, and clicks on modules of one run's circuit, after one warm-up each."""
    times: Times = {"paint": [], "slider": [], "mark": [], "panel": [], "KiB": []}
    for turn in range(TIMES + 1):
        seconds = opened(driver, f"{base}/circuit?run={run}", "explorer-painted")
        times["paint"] += [seconds] if turn else []
    time.sleep(2)
    for turn in range(TIMES):
        times["slider"].append(clicked(driver, SLIDE, 0.3 + 0.09 * turn))
    open_page(driver, base, "circuit", f"?run={run}")
    for name in modules[: TIMES + 1]:
        driver.get_log("performance")
        layer, head = name[1:].split(".h")
        mark, panel = driver.execute_async_script(PRESS, name, f"Head {head} of layer {layer}")
        time.sleep(1)
        if name != modules[0]:
            times["mark"].append(mark / 1000)
            times["panel"].append(panel / 1000)
            times["KiB"].append(bytes_received(driver) / 1024)
    return times


def bytes_received(driver: Chrome) -> int:
    """Bytes received over websockets since the performance log was last read."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    payloads = [m["params"]["response"] for m in messages if m["method"] == "Network.webSocketFrameReceived"]
    return sum(len(base64.b64decode(p["payloadData"])) if p["opcode"] == 2 else len(p["payloadData"]) for p in payloads)


def trace_times(driver: Chrome, base: str, users: Sequence[str]) -> list[float]:
    """Seconds from the button to the graph of a single prompt, each for another user, after one warm-up."""
    times = []
    for turn, user in enumerate(users[: TIMES + 1]):
        open_page(driver, base, "circuit", f"?run=run-demo&person={user}")
        times += [clicked(driver, TRACE)][: turn and 1]
    return times


def crowd_times(driver: Chrome, base: str, browsers: int) -> list[float]:
    """Seconds of clicks in the navigation while all other browsers open page after page."""
    others = Thread(target=lambda: asyncio.run(load(base, browsers - 1, 1, PAUSE)))
    open_page(driver, base, "overview", "?run=run-demo")
    times = []
    others.start()
    time.sleep(PAUSE)
    while others.is_alive():
        for page in ("request", "review", "report", "overview"):
            time.sleep(1)
            times.append(clicked(driver, NAVIGATE, "" if page == "overview" else page))
    others.join()
    return times


def row(name: str, values: Sequence[float], target: str, beside: float, unit: str = "ms") -> str:
    """A row of the table: median, range, target, and the ratio of the median to the empty page's `beside`."""
    shown = [
        f"{value:.1f}" if unit == "KiB" else f"{1000 * value:,.0f}"
        for value in (statistics.median(values), min(values), max(values))
    ]
    ratio = f"{statistics.median(values) / beside:.1f}" if beside else ""
    return f"| {name} | {shown[0]} {unit} | {shown[1]} to {shown[2]} | {ratio} | {target} |"


def empty_app(folder: Path) -> AbstractContextManager[str]:
    """Serve the empty Streamlit app with the dashboard's own configuration."""
    script = folder / "empty.py"
    shutil.copytree(ROOT / "dashboard/.streamlit", folder / ".streamlit")
    script.write_text(EMPTY, encoding="utf-8")
    return served(ROOT / "assets/demo", script)


def main() -> None:
    """Measure everything once, and write the table."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(shutil.copytree(ROOT / "assets/demo", Path(folder) / "demo"))
        write_run(workspace, LARGE, LAYERS, HEADS, EDGES)
        busy = [os.getloadavg()[0]]
        with served(workspace) as base, empty_app(Path(folder)) as nothing, chrome() as driver:
            version = driver.capabilities["browserVersion"]
            opened(driver, nothing)
            empty = empty_times(driver, nothing)
            by_address, by_click = page_times(driver, base)
            busy.append(os.getloadavg()[0])
            demo = explorer_times(driver, base, "run-demo", [f"a{3 - n // 4}.h{n % 4 + 1}" for n in range(12)])
            large = explorer_times(driver, base, LARGE, [f"a{40 - n}.h{n + 3}" for n in range(12)])
            traced = trace_times(driver, base, [f"u{n:03}" for n in (60, 254, 181, 292, 156, 323)])
            busy.append(os.getloadavg()[0])
            empty_after = empty_times(driver, nothing)
            crowds = {count: crowd_times(driver, base, count) for count in CROWDS}
            busy.append(os.getloadavg()[0])
    idle = {name: statistics.median(empty[name] + empty_after[name]) for name in empty}
    lines = [
        "# Response times of the dashboard", "",
        f"Written by `python benchmarks/dashboard.py`: median and range of {TIMES} repetitions after one warm-up, seed 0. The ratio is that to an empty",
        "Streamlit page, opened or clicked in the same run: Streamlit's own part, below which no page of ours can be. Large: a random circuit of",
        f"{LAYERS * (HEADS + 1):,} modules and {EDGES:,} edges. Many browsers: one is Chromium, the others read page after page with a mean pause of {PAUSE:.0f} seconds.", "",
        f"{platform.machine()}, {os.cpu_count()} cores shared with other processes (load {min(busy):.1f} to {max(busy):.1f}, where 2 keeps both cores busy), Python {platform.python_version()}, "
        f"streamlit {streamlit.__version__}, Chromium {version}, 1440 x 900.", "",
        f"Streamlit's own part, measured on the empty page: {1000 * idle['open']:,.0f} ms of the {FIRST} that a first page may take, "
        f"and {1000 * idle['navigate']:,.0f} ms of the {CLICK} of a click.", "",
        "| | median | range | ratio to empty | target |", "| --- | --- | --- | --- | --- |",
        row("empty page, opened by its address", empty["open"] + empty_after["open"], "", 0),
        row("empty page, opened from the navigation", empty["navigate"] + empty_after["navigate"], "", 0),
        row("empty page, a button pressed", empty["click"] + empty_after["click"], "", 0),
        *(row(f"{page}, opened by its address", by_address[page], FIRST, idle["open"]) for page in FIRST_PAGES),
        *(row(f"{page}, opened from the navigation", by_click[page], CLICK, idle["navigate"]) for page in PAGES),
    ]  # fmt: skip
    for name, times in (("demo", demo), ("large", large)):
        lines += [
            row(f"circuit, {name}: opened by its address, graph painted", times["paint"], FIRST, idle["open"]),
            row(f"circuit, {name}: slider moved, graph repainted", times["slider"], CLICK, 0),
            row(f"circuit, {name}: module clicked, mark selected", times["mark"], CLICK, 0),
            row(f"circuit, {name}: module clicked, panel shown", times["panel"], CLICK, idle["click"]),
            row(f"circuit, {name}: data received for that panel", times["KiB"], "", 0, "KiB"),
        ]
    lines.append(row("single prompt's graph, demo: button pressed, graph shown", traced, "", idle["click"]))
    lines += [
        row(f"{count} browsers at once: page opened from the navigation", times, CLICK, idle["navigate"])
        for count, times in crowds.items()
    ]
    (ROOT / "benchmarks/dashboard.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
