"""One prompt on the circuit page in a browser: traced with the keyboard, restored by its address, saved as graph JSON."""

import json
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By

from core.circuit.neuronpedia_json import from_graph_json
from tests.browser.browser import BROWSER, ROOT, chrome, foreign_requests, open_page, text, wait
from tests.browser.test_accessibility import describe_barriers, find_barriers

pytestmark = BROWSER
SCHEMA = json.loads((ROOT / "tests/circuit/neuronpedia_schema.json").read_text(encoding="utf-8"))
SENTENCE = "nodes alone keep"


@pytest.fixture(scope="module")
def browser(base_url: str) -> Iterator[tuple[Chrome, str]]:
    with chrome(1440, 1500) as driver:
        yield driver, base_url


def buttons(driver: Chrome, label: str) -> list:
    return [one for one in driver.find_elements(By.TAG_NAME, "button") if one.text.strip().endswith(label)]


def test_prompt_is_traced_with_the_keyboard(browser: tuple[Chrome, str]) -> None:
    driver, base = browser
    open_page(driver, base, "circuit", "?run=run-demo")
    wait(lambda: buttons(driver, "Trace this prompt"), 30)
    assert SENTENCE not in text(driver)
    driver.execute_script("arguments[0].focus()", buttons(driver, "Trace this prompt")[0])
    ActionChains(driver).send_keys(Keys.ENTER).perform()
    wait(lambda: SENTENCE in text(driver), 60)
    assert "trace=1" in driver.current_url
    box = driver.find_element(By.CSS_SELECTOR, 'input[aria-label*="Nodes drawn"]')
    driver.execute_script("arguments[0].focus()", box)
    ActionChains(driver).send_keys(Keys.ARROW_DOWN, Keys.HOME, Keys.ENTER).perform()
    wait(lambda: "These 5 of" in text(driver) and "nodes=5" in driver.current_url, 20)
    assert foreign_requests(driver) == []


def test_address_restores_the_prompt_without_barriers(browser: tuple[Chrome, str], axe: str) -> None:
    base = browser[1]
    with chrome(390, 900, dark=True) as other:
        open_page(other, base, "circuit", "?run=run-demo&trace=1&nodes=15")
        wait(lambda: "These 15 of" in text(other), 60)
        assert describe_barriers(find_barriers(other, axe)) == ""
        width = "return document.querySelector('[data-testid=stMain]').scrollWidth"
        assert other.execute_script(width) <= 390


def test_graph_json_is_saved(browser: tuple[Chrome, str], tmp_path: Path) -> None:
    driver, base = browser
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    open_page(driver, base, "circuit", "?run=run-demo&trace=1&nodes=15")
    wait(lambda: len(buttons(driver, "Save as graph JSON")) == 2, 60)
    for button in buttons(driver, "Save as graph JSON"):
        driver.execute_script("arguments[0].click()", button)
    wait(lambda: len(list(tmp_path.glob("*.json"))) == 2, 30)
    graphs = {}
    for path in tmp_path.glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        jsonschema.Draft7Validator(SCHEMA).validate(content)
        graphs[path.name] = from_graph_json(content)
    assert len(graphs["run-demo-circuit-forget.json"].columns) == 1
    prompt = next(graph for name, graph in graphs.items() if "circuit" not in name)
    assert sum(node.module not in ("input", "logits") for node in prompt.nodes) == 15 and len(prompt.columns) > 2
