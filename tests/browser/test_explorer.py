"""The circuit explorer in a browser: clicks, search, keys, filters, addresses, and routes that pass no foreign mark."""

import math
from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from core.types import Group
from dashboard.components.scripts import script
from dashboard.presenters.phrases import module_title
from dashboard.services.queries import RunHandle
from tests.browser.browser import BROWSER, chrome, foreign_requests, open_page, text, wait, within

pytestmark = BROWSER


@pytest.fixture
def page(base_url: str) -> Iterator[Chrome]:
    with chrome() as driver:
        open_explorer(driver, base_url)
        yield driver
        assert foreign_requests(driver) == []


def open_explorer(driver: Chrome, base: str, query: str = "") -> None:
    open_page(driver, base, "circuit", f"?run=run-demo{query}")
    wait(lambda: run_in_explorer(driver, "return root && root.dataset.shown"), 20)


def run_in_explorer(driver: Chrome, script: str, *arguments):
    return within(driver, ".explorer", script, *arguments)


def click_module(driver: Chrome, module: str, offset: int = 0) -> None:
    run_in_explorer(driver, "root.scrollIntoView({block: 'center'})")
    x, y = run_in_explorer(driver, "return root.where(arguments[0])", module)
    actions = ActionChains(driver)
    actions.w3c_actions.pointer_action.move_to_location(round(x) + offset, round(y)).click()
    actions.perform()


def shows_module(driver: Chrome, module: str) -> bool:
    title = module_title(module)
    return (
        title[0].upper() + title[1:] in text(driver)
        and run_in_explorer(driver, "return root.dataset.selected") == module
    )


def test_click_on_or_near_a_module_shows_it(page: Chrome, run: RunHandle) -> None:
    for row, offset in zip(run.groups[:12:5], (0, 8, -8), strict=True):
        click_module(page, row.module, offset)
        wait(lambda: shows_module(page, row.module), 20)  # noqa: B023
        assert f"module={row.module}" in page.current_url


def test_module_is_found_by_name_with_the_keyboard(page: Chrome, run: RunHandle) -> None:
    module = run.groups[-1].module
    field = run_in_explorer(page, "return root.querySelector('input[type=search]')")
    field.send_keys(module_title(module), Keys.ENTER)
    wait(lambda: shows_module(page, module), 20)


def test_arrow_keys_move_the_selection(page: Chrome) -> None:
    click_module(page, "a1.h3")
    wait(lambda: shows_module(page, "a1.h3"), 20)
    ActionChains(page).send_keys(Keys.ARROW_RIGHT, Keys.ARROW_UP).perform()
    wait(lambda: shows_module(page, "a2.h4"), 20)
    ActionChains(page).send_keys(Keys.ESCAPE).perform()
    wait(lambda: "Select a module" in text(page), 20)


def test_filters_apply_at_once_and_appear_in_the_address(page: Chrome) -> None:
    set_range = (
        "const s = root.querySelector('input[type=range]'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))"
    )
    before = int(run_in_explorer(page, "return root.dataset.shown"))
    run_in_explorer(page, set_range, 10)
    wait(lambda: int(run_in_explorer(page, "return root.dataset.shown")) == 10, 5)
    assert before > 10
    run_in_explorer(page, "root.querySelector('fieldset').scrollIntoView({block: 'center'})")
    run_in_explorer(page, "return root.querySelectorAll('fieldset input')[0]").click()  # hides edges into queries
    wait(lambda: int(run_in_explorer(page, "return root.dataset.shown")) <= 10, 5)
    wait(lambda: "show=10.0.k.v.other" in page.current_url, 10)


def test_pinned_module_keeps_its_connections(page: Chrome, run: RunHandle) -> None:
    run_in_explorer(
        page, "const s = root.querySelector('input[type=range]'); s.value = 0; s.dispatchEvent(new Event('input'))"
    )
    click_module(page, "m0")
    wait(lambda: shows_module(page, "m0"), 20)
    own = int(run_in_explorer(page, "return root.dataset.shown"))
    ActionChains(page).send_keys(Keys.ENTER).perform()
    click_module(page, "a3.h1")
    wait(lambda: shows_module(page, "a3.h1"), 20)
    assert int(run_in_explorer(page, "return root.dataset.shown")) >= own > 0


def test_address_restores_the_module_and_view(base_url: str, run: RunHandle) -> None:
    module = next(row.module for row in run.groups if row.group is Group.SHARED)
    with chrome(390, 844) as phone:
        open_explorer(phone, base_url, f"&module={module}&show=5.1.q.k.v.other")
        wait(lambda: shows_module(phone, module), 20)
        assert run_in_explorer(phone, "return root.querySelector('input[type=range]').value") == "5"
        assert phone.execute_script("return document.documentElement.scrollWidth") <= 390


def test_connection_is_pressed_and_explained(page: Chrome) -> None:
    click_module(page, "m0>a1.h5")
    wait(lambda: "MLP of layer 0 to head 5 of layer 1" in text(page), 20)
    wait(lambda: "This connection supports the prediction" in text(page) and "value (v)" in page.page_source, 20)
    assert "module=m0%3Ea1.h5" in page.current_url
    page.refresh()
    wait(lambda: "MLP of layer 0 to head 5 of layer 1" in text(page), 20)
    assert "was not found" not in text(page)


def test_connections_of_a_module_are_reached_with_the_keyboard(page: Chrome) -> None:
    click_module(page, "m0")
    wait(lambda: shows_module(page, "m0"), 20)
    found = []
    for _ in range(2):
        ActionChains(page).send_keys("c").perform()
        found.append(run_in_explorer(page, "return root.dataset.selected"))
    assert len(set(found)) == 2 and all("m0" in connection.split(">") for connection in found)
    wait(lambda: "This connection" in text(page), 20)


def test_pruning_slider_names_the_measured_faithfulness(page: Chrome, run: RunHandle) -> None:
    circuit = run.circuits[0]
    point = circuit.curve[6]
    move = "const s = root.querySelectorAll('input[type=range]')[1]; s.value = 6; s.dispatchEvent(new Event('input'))"
    run_in_explorer(page, move)
    shown = f"{point.modules} of {len(circuit.modules)}: {math.floor(100 * point.faithfulness + 0.5)}%"
    wait(lambda: shown in run_in_explorer(page, "return root.textContent"), 5)
    wait(lambda: f"k{point.modules}." in page.current_url, 10)


def foreign_marks(drawn: dict) -> list[tuple[str, str, str]]:
    """List (source, target, mark) where a route comes closer to a mark than its radius and is no end of it."""
    return [
        (source, target, name)
        for source, target, points in drawn["routes"]
        for name, x, y, radius in drawn["marks"]
        if name not in (source, target) and any(math.hypot(px - x, py - y) < radius for px, py in points)
    ]


@pytest.mark.parametrize("width", [390, 1440])
def test_no_connection_of_the_demo_passes_a_foreign_mark(base_url: str, width: int) -> None:
    with chrome(width) as driver:
        open_explorer(driver, base_url)
        drawn = run_in_explorer(driver, "return root.routes()")
    assert len(drawn["routes"]) > 100 and foreign_marks(drawn) == []


RANDOM_GRAPH = """
const [layers, heads, count, width, height, seed] = arguments;
let state = seed;
const random = (below) => Math.floor((state = (state * 48271) % 2147483647) / 2147483647 * below);
const end = (id, level) => ({ id, level, column: heads / 2, side: "end" });
const nodes = [end("input", -1), end("logits", layers)];
for (let level = 0; level < layers; level++)
  for (let column = 0; column <= heads; column++)
    nodes.push({ id: `${level}.${column}`, level: level + (column === heads ? 0.5 : 0), column, side: "in" });
const grid = measure(width, height, heads + 1, layers + 2), edges = [];
while (edges.length < count) {
  const [a, b] = [nodes[random(nodes.length)], nodes[random(nodes.length)]];
  if (a.level < b.level) edges.push({ from: a, to: b });
}
assignLanes(edges, heads + 1);
const size = (node) => node.side === "end" ? 12 : grid.radius, zone = () => REACH * grid.radius + 2;
return {
  routes: edges.map((edge) => [edge.from.id, edge.to.id, sampled(route(edge, grid, zone, size), 60)]),
  marks: nodes.filter((node) => node.side !== "end").map((node) => [node.id, grid.x(node.column), grid.y(node.level), size(node)]),
};
"""


@pytest.mark.parametrize(
    ("layers", "heads", "size"), [(1, 1, (900, 620)), (3, 4, (322, 620)), (12, 12, (560, 620)), (30, 16, (900, 756))]
)
def test_no_connection_of_a_random_graph_passes_a_foreign_mark(layers: int, heads: int, size: tuple[int, int]) -> None:
    with chrome() as driver:
        for seed in range(1, 4):
            source = f"{script('routes')}\n{RANDOM_GRAPH}"
            drawn = driver.execute_script(source, layers, heads, 150, *size, seed)
            assert len(drawn["routes"]) == 150 and foreign_marks(drawn) == []
