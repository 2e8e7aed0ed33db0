"""The researcher's journey in a browser, by keyboard: one prompt, a supernode, steering, a shared link, saved files."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import jsonschema
import pytest
from PIL import Image
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from core.circuit.neuronpedia_json import from_graph_json
from tests.browser.browser import BROWSER, ROOT, chrome, foreign_requests, open_page, text, wait, within
from tests.browser.test_accessibility import describe_barriers, find_barriers
from tests.browser.test_engineer_journey import press

pytestmark = BROWSER
SCHEMA = json.loads((ROOT / "tests/circuit/neuronpedia_schema.json").read_text(encoding="utf-8"))
LABEL = "reads <b>genre</b>; a:b,c"  # with the separators of the address
SLOW = 90  # seconds that an answer of the model may take on a busy machine


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("saved")


@pytest.fixture(scope="module")
def browser(base_url: str, saved: Path) -> Iterator[tuple[Chrome, str]]:
    with chrome(1440, 1500) as driver:
        driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(saved)})
        yield driver, base_url


@pytest.fixture(scope="module")
def links() -> dict[str, str]:
    """Queries of the views that are shared, by page."""
    return {}


def shown(page: Chrome) -> str:
    """The page's text without the joiners that keep names from becoming links."""
    return text(page).replace("\u2060", "")


def type_into(page: Chrome, label: str, *keys: str) -> None:
    """Type into the field whose label begins with `label`."""
    find = f'input[aria-label^="{label}"], [aria-label^="{label}"] input'
    wait(lambda: page.find_elements(By.CSS_SELECTOR, find), 60)
    field = page.find_element(By.CSS_SELECTOR, find)
    page.execute_script("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", field)
    ActionChains(page).send_keys(*keys).perform()


def press_in_drawing(page: Chrome, label: str) -> None:
    """Press a button of the circuit's drawing."""
    within(
        page,
        ".explorer",
        "[...root.querySelectorAll('button')].find((b) => b.textContent === arguments[0]).focus()",
        label,
    )
    ActionChains(page).send_keys(Keys.ENTER).perform()


def test_prompt_is_traced_from_the_link_at_the_top(browser: tuple[Chrome, str]) -> None:
    page, base = browser
    open_page(page, base, "circuit", "?run=run-demo")
    press(page, "One prompt")
    wait(lambda: page.current_url.endswith("#one-prompt"), 20)
    press(page, "Trace this prompt")
    wait(lambda: "nodes alone keep" in text(page), SLOW)


def test_modules_are_named_and_shown_in_the_drawing(
    browser: tuple[Chrome, str], links: dict[str, str], axe: str
) -> None:
    page = browser[0]
    for module in ("head 6 of layer 2", "MLP of layer 1"):
        type_into(page, "Modules", module, Keys.ENTER)
        wait(lambda: page.find_elements(By.XPATH, f"//span[text()='{module}']"), 20)  # noqa: B023
    type_into(page, "Label", LABEL, Keys.ENTER)
    wait(
        lambda: "supernodes=" in page.current_url and f"1 {LABEL}: head 6 of layer 2, MLP of layer 1" in shown(page), 60
    )
    legend = "return root.querySelector('.legend').textContent"
    wait(lambda: LABEL in within(page, ".explorer", legend), 20)
    assert "trace=1" in page.current_url  # the prompt stays
    links["circuit"] = urlsplit(page.current_url).query
    assert describe_barriers(find_barriers(page, axe)) == ""


def test_files_hold_the_supernode(browser: tuple[Chrome, str], saved: Path) -> None:
    page = browser[0]
    press_in_drawing(page, "Save as SVG")
    press_in_drawing(page, "Save as PNG")
    for label in ("Save the drawing as an HTML page", "Save as graph JSON"):
        press(page, label)
    wait(lambda: {"svg", "png", "html", "json"} <= {path.suffix[1:] for path in saved.iterdir()}, 60)
    drawing = ElementTree.parse(next(saved.glob("*.svg"))).getroot()
    assert {LABEL, "user history", "prediction", "H7"} <= {one.text for one in drawing.iter() if one.text}
    assert Image.open(next(saved.glob("*.png"))).size == tuple(
        2 * int(drawing.get(side)) for side in ("width", "height")
    )
    content = json.loads(next(saved.glob("*.json")).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(SCHEMA).validate(content)
    (supernode,) = from_graph_json(content).supernodes
    assert supernode.label == LABEL and {module for module, _ in supernode.nodes} == {"a2.h6", "m1"}
    assert foreign_requests(page) == []


def test_module_is_steered(browser: tuple[Chrome, str], links: dict[str, str]) -> None:
    page, base = browser
    open_page(page, base, "what_if", "?run=run-demo")
    type_into(page, "Steer modules", "MLP of layer 1", Keys.ENTER)
    wait(lambda: "With MLP of layer 1 at strength 2:" in text(page), SLOW)
    slider = page.find_element(By.CSS_SELECTOR, "[data-testid=stSlider] input")
    page.execute_script("arguments[0].focus()", slider)
    ActionChains(page).send_keys(Keys.ARROW_RIGHT).perform()
    wait(lambda: "With MLP of layer 1 at strength 2.1:" in text(page) and "steer=m1%3A2.1" in page.current_url, SLOW)
    links["what_if"] = urlsplit(page.current_url).query


def test_links_show_the_same_to_others(browser: tuple[Chrome, str], links: dict[str, str], axe: str) -> None:
    page, base = browser
    answer = next(line for line in shown(page).splitlines() if "at strength 2.1:" in line)
    with chrome(390, 900, dark=True) as other:
        open_page(other, base, "what_if", f"?{links['what_if']}")
        wait(lambda: answer in shown(other), SLOW)
        open_page(other, base, "circuit", f"?{links['circuit']}")
        wait(lambda: f"1 {LABEL}" in shown(other) and "nodes alone keep" in shown(other), SLOW)
        assert describe_barriers(find_barriers(other, axe)) == ""
        assert other.execute_script("return document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_saved_graph_is_opened_and_its_supernode_used(browser: tuple[Chrome, str], saved: Path) -> None:
    base = browser[1]
    with chrome(1440, 1500) as other:
        open_page(other, base, "circuit", "?run=run-demo")
        press_summary = (
            "[...document.querySelectorAll('summary')].find((e) => e.textContent.includes('Open a graph')).focus()"
        )
        other.execute_script(press_summary)
        ActionChains(other).send_keys(Keys.ENTER).perform()
        other.find_element(By.CSS_SELECTOR, "input[type=file]").send_keys(str(next(saved.glob("*.json"))))
        wait(lambda: "38 nodes and" in text(other), 60)
        press(other, "Use its supernode")
        wait(lambda: "supernodes=" in other.current_url, 30)


def test_saved_page_draws_the_circuit_without_the_network(saved: Path) -> None:
    with chrome(1000, 1000) as other:
        other.get(f"file://{next(saved.glob('*.html'))}")
        wait(lambda: other.execute_script("return document.querySelector('.explorer')?.dataset.shown > 0"), 20)
        assert LABEL in text(other) and foreign_requests(other) == []
