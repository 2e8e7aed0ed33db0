"""Benchmark of the dashboard's response times: a large circuit in the browser, and what-if answers.

    python benchmarks/dashboard.py      writes benchmarks/dashboard.md; about 3 minutes on two cores; needs Chromium

A random circuit (812 modules, 2,000 edges, seed 0) is shown on the circuit page in headless Chromium at 1440 x 900. The
what-if answers come from the model of the demo.
"""

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
from pathlib import Path

import numpy as np
import streamlit
from selenium.webdriver import Chrome

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.pipeline.context import load_adapter, make_context  # noqa: E402
from core.runs.handle import RunHandle  # noqa: E402
from core.types import (  # noqa: E402
    Cell,
    Circuit,
    CurvePoint,
    DirectEffect,
    Edge,
    Group,
    ModuleGroup,
    Outcome,
    RunSpec,
    RunState,
    RunStatus,
)
from core.utils.serialization import write_json  # noqa: E402
from core.workspace import Workspace  # noqa: E402
from core.workspace.layout import WorkspaceLayout  # noqa: E402
from tests.browser.browser import chrome, drawn, open_page, served, wait  # noqa: E402

LAYERS, HEADS, EDGES, TIMES = 28, 28, 2000, 10
RUN = "run-large"
WITHIN = """
const hosts = [...document.querySelectorAll('*')].filter((e) => e.shadowRoot && e.shadowRoot.querySelector('.explorer'));
const root = hosts[0].shadowRoot.querySelector('.explorer');
"""
SLIDE = (
    WITHIN
    + """
const done = arguments[1], slider = root.querySelector('input[type=range]'), before = root.dataset.shown;
const started = performance.now();
const look = () => root.dataset.shown !== before ? requestAnimationFrame(() => done(performance.now() - started)) : requestAnimationFrame(look);
slider.value = arguments[0];
slider.dispatchEvent(new Event('input'));
look();
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
SWITCH = """
const done = arguments[0], started = performance.now();
performance.clearMarks('explorer-painted');
const look = () => {
  const [mark] = performance.getEntriesByName('explorer-painted');
  mark ? done(mark.startTime - started) : requestAnimationFrame(look);
};
document.querySelector('[data-testid=stSidebarNav] a[href*=circuit]').click();
look();
"""


def large_circuit(random: np.random.Generator) -> Circuit:
    """A random circuit of LAYERS x (HEADS + 1) modules."""
    modules = [
        name for layer in range(LAYERS) for name in (*(f"a{layer}.h{head}" for head in range(HEADS)), f"m{layer}")
    ]
    scores = random.normal(size=len(modules)) * random.pareto(2, len(modules))
    edges: dict[tuple[str, str, str], None] = {}
    while len(edges) < EDGES:
        first, second = sorted(random.integers(0, len(modules), 2).tolist())
        if modules[first].partition(".")[0][1:] != modules[second].partition(".")[0][1:]:
            edges[modules[first], modules[second], random.choice(list("qkv")) if ".h" in modules[second] else ""] = None
    scored = tuple(Edge(*key, float(random.normal())) for key in edges)
    ranked = sorted(modules, key=lambda name: -abs(scores[modules.index(name)]))
    return Circuit(
        tuple(modules), tuple(scores.tolist()), tuple(ranked[:120]), tuple(sorted(scored, key=lambda edge: -abs(edge.score))),
        (CurvePoint(120, 0.86, 0.1), CurvePoint(len(modules), 1.0, 1.0)), 0.86, 0.85, 2.0, -0.5, 36, 0,
        {"pagerank": 36}, tuple(random.uniform(size=len(modules)).tolist()), 0.6,
        tuple(tuple(random.normal(size=len(modules)).tolist()) for _ in range(14)),
    )  # fmt: skip


def write_run(workspace: Path) -> None:
    """Write a finished run with a large circuit."""
    random, run = np.random.default_rng(0), RunHandle(WorkspaceLayout(workspace).run(RUN).path)
    circuits = large_circuit(random), large_circuit(random)
    names, all_groups = circuits[0].modules, list(Group)
    groups = [
        ModuleGroup(name, all_groups[i % 4], *random.uniform(size=4).tolist(), 0.0, random.uniform())
        for i, name in enumerate(names)
    ]
    run.write_spec(RunSpec(RUN, "req-demo", created="2026-01-02T00:00:00+00:00"))
    run.write_status(RunStatus(RunState.DONE, progress=1.0))
    for path, circuit in zip((run.layout.forget, run.layout.retain), circuits, strict=True):
        write_json(path, circuit)
    write_json(run.layout.groups, groups)
    write_json(run.layout.direct_effects, [DirectEffect(name, (), ()) for name in names])
    write_json(run.layout.outcome, Outcome(1, "", 1, 1, tuple(Cell((name,), 1, 0.1) for name in names)))


def first_paints(driver: Chrome, base: str) -> tuple[list[float], list[float]]:
    """Seconds from opening the page to the painted graph, and the part of them in the script of the graph."""
    total, script = [], []
    for turn in range(TIMES + 1):
        driver.get(f"{base}/circuit?run={RUN}")
        wait(lambda: driver.execute_script("return performance.getEntriesByName('explorer-painted').length"), 30)
        painted, began = driver.execute_script(
            "return ['painted', 'began'].map((name) => performance.getEntriesByName('explorer-' + name)[0].startTime)"
        )
        wait(lambda: drawn(driver), 30)
        if turn:  # the first round fills the caches
            total.append(painted / 1000)
            script.append((painted - began) / 1000)
    return total, script


def slider_times(driver: Chrome) -> list[float]:
    """Seconds from moving the slider to the repainted graph."""
    return [driver.execute_async_script(SLIDE, 100 + 150 * turn) / 1000 for turn in range(TIMES)]


def navigation_times(driver: Chrome, base: str) -> list[float]:
    """Seconds from clicking the page in the navigation to the painted graph."""
    times = []
    for turn in range(TIMES + 1):
        open_page(driver, base, "overview", f"?run={RUN}")
        times += [driver.execute_async_script(SWITCH) / 1000][: turn and 1]
        wait(lambda: drawn(driver), 30)
    return times


def click_times(driver: Chrome) -> tuple[list[float], list[float], list[float]]:
    """For each click on a module: seconds to the selected mark, seconds to the panel, and KiB received."""
    times, received = [], []
    for turn in range(TIMES + 1):
        driver.get_log("performance")
        name, title = f"a{20 - turn}.h{turn + 3}", f"Head {turn + 3} of layer {20 - turn}"
        clicked = driver.execute_async_script(PRESS, name, title)
        time.sleep(1.5)
        if turn:
            times.append([milliseconds / 1000 for milliseconds in clicked])
            received.append(bytes_received(driver) / 1024)
    marks, panels = map(list, zip(*times, strict=True))
    return marks, panels, received


def bytes_received(driver: Chrome) -> int:
    """Bytes received over websockets since the performance log was last read."""
    messages = (json.loads(entry["message"])["message"] for entry in driver.get_log("performance"))
    payloads = [m["params"]["response"] for m in messages if m["method"] == "Network.webSocketFrameReceived"]
    return sum(len(base64.b64decode(p["payloadData"])) if p["opcode"] == 2 else len(p["payloadData"]) for p in payloads)


def what_if_times(workspace: Workspace) -> tuple[list[float], list[float]]:
    """Seconds of an answer with one module off, and with one title left out as well; each for another user."""
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    context = make_context(workspace, workspace.requests()[0], recommender.tokenizer)
    setting = context.what_if(recommender)
    off, both = [], []
    for turn, user in enumerate(workspace.user_split.training_users[: TIMES + 1]):
        answers, started = setting.for_user(context.histories[user]), time.perf_counter()
        answers.top({setting.parts.modules[turn]: 0.0})
        middle = time.perf_counter()
        setting.for_user(context.histories[user], {turn % 5}).top({setting.parts.modules[turn]: 0.0})
        if turn:
            off.append(middle - started), both.append(time.perf_counter() - middle)
    return off, both


def row(name: str, values: Sequence[float], unit: str, target: str) -> str:
    shown = [
        f"{value:.1f}" if unit == "KiB" else f"{1000 * value:.0f}"
        for value in (statistics.median(values), min(values), max(values))
    ]
    return f"| {name} | {shown[0]} {unit} | {shown[1]} to {shown[2]} | {target} |"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Path(shutil.copytree(ROOT / "assets/demo", Path(folder) / "demo"))
        write_run(workspace)
        with served(workspace) as base, chrome() as driver:
            open_page(driver, base, "circuit", f"?run={RUN}")
            opened, script = first_paints(driver, base)
            navigated = navigation_times(driver, base)
            slider = slider_times(driver)
            time.sleep(2)
            marks, panels, received = click_times(driver)
            version = driver.capabilities["browserVersion"]
        off, both = what_if_times(Workspace(workspace))
    lines = [
        "# Response times of the dashboard", "", "Written by `python benchmarks/dashboard.py`. "
        f"{LAYERS * (HEADS + 1)} modules, {EDGES:,} edges, seed 0; median, minimum and maximum of {TIMES} repetitions after one warm-up.", "",
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, streamlit "
        f"{streamlit.__version__}, Chromium {version}, 1440 x 900.",
        "", "| | median | range | target |", "| --- | --- | --- | --- |",
        row("page opened by its address, graph painted", opened, "ms", "1,000 ms"),
        row("page opened from the navigation, graph painted", navigated, "ms", "1,000 ms"),
        row("script of the graph alone, on page load", script, "ms", ""),
        row("slider moved, graph repainted", slider, "ms", "300 ms"),
        row("module clicked, mark selected", marks, "ms", "300 ms"),
        row("module clicked, panel shown (by the server)", panels, "ms", "300 ms"),
        row("data received for that panel", received, "KiB", "10 KB"),
        row("what-if answer, one module off, model of the demo", off, "ms", "500 ms"),
        row("what-if answer, one module off and one title left out", both, "ms", "500 ms"),
    ]  # fmt: skip
    (ROOT / "benchmarks/dashboard.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
