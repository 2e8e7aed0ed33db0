"""Accessibility: axe-core finds no serious barrier on any page, light and dark, wide and narrow.

axe-core cannot inspect canvases (charts and tables, which have alternative texts) nor frames of another origin; the
documents of such frames are opened on their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, open_page, served

SCREENS = {"light-1440": (1440, False), "dark-1440": (1440, True), "light-390": (390, False)}
# Addresses that show the most of each page: a user is selected, the form is open.
QUERIES = {
    "compare": "?runs=run-demo,run-retrained",
    "request": "?user=u060",
    "circuit": "?run=run-demo&module=a2.h6",
    "what_if": "?run=run-demo&off=a2.h6&out=3",
    "groups": "?run=run-demo&forget=a2.h6&high=0.7",
    "run": "?request=req-demo",
}
VIEWS = [*((page, QUERIES.get(page, "")) for page in PAGES), ("run", "?run=run-demo&tour=5")]
PAGES_WITH_FRAMES = ("report",)
# (rule, selector, reason): barriers inside Streamlit's widgets, which the dashboard cannot repair.
EXEMPT = (
    (
        "list",
        "ul[data-testid=stSidebarNavItems]",
        "Streamlit wraps each section of the navigation in a div inside its ul; browsers still read it as a list.",
    ),
    ("listitem", "ul[data-testid=stSidebarNavItems] > div > li", "The items of the same list, inside the div."),
)
CHECK = """
const [exempt, done] = [arguments[0], arguments[arguments.length - 1]];
const excused = (rule, node) => exempt.some(([id, selector]) => id === rule && node.element && node.element.matches(selector));
axe.run(document, {resultTypes: ['violations'], elementRef: true}).then(result => {
  const found = result.violations.flatMap(one => one.nodes.map(node => ({rule: one.id, impact: node.impact, help: one.help,
    html: node.html.slice(0, 200), where: node.target.flat().join(' in '), why: node.failureSummary,
    excused: excused(one.id, node)})));
  done(found);
}, error => done([{rule: 'axe', impact: 'critical', help: String(error), html: '', where: '', why: '', excused: false}]));
"""
pytestmark = BROWSER


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with served(ROOT / "assets/demo") as address:
        yield address


@pytest.fixture(scope="module", params=SCREENS)
def driver(request: pytest.FixtureRequest) -> Iterator[Chrome]:
    width, dark = SCREENS[request.param]
    with chrome(width, 900, dark) as opened:
        yield opened


def find_barriers(driver: Chrome, axe: str) -> list[dict]:
    """All serious or critical violations in the driver's current document, including the exempt ones."""
    driver.set_script_timeout(60)
    driver.execute_script(axe)
    found = driver.execute_async_script(CHECK, [rule[:2] for rule in EXEMPT])
    return [one for one in found if one["impact"] in ("serious", "critical")]


def describe_barriers(found: list[dict]) -> str:
    """The violations that are not exempt, as text; empty if there are none."""
    return "\n\n".join(
        f"{one['rule']} ({one['impact']}): {one['help']}\n  at {one['where']}\n  {one['html']}\n  {one['why']}"
        for one in found
        if not one["excused"]
    )


def frame_documents(driver: Chrome) -> list[str]:
    """HTML documents of a page's frames and of the frames inside them; they have another origin."""
    outer = driver.find_elements(By.CSS_SELECTOR, "iframe[srcdoc]")
    found = [frame.get_attribute("srcdoc") for frame in outer]
    for frame in outer:
        driver.switch_to.frame(frame)
        found += [inner.get_attribute("srcdoc") for inner in driver.find_elements(By.CSS_SELECTOR, "iframe[srcdoc]")]
        driver.switch_to.default_content()
    return [html or "" for html in found]


@pytest.mark.parametrize(("page", "query"), VIEWS, ids=[f"{page}{query}" for page, query in VIEWS])
def test_page_has_no_serious_barrier(base: str, driver: Chrome, axe: str, page: str, query: str) -> None:
    open_page(driver, base, page, query)
    if violations := describe_barriers(find_barriers(driver, axe)):
        pytest.fail(violations, pytrace=False)


def test_framed_document_has_no_serious_barrier(base: str, driver: Chrome, axe: str, tmp_path: Path) -> None:
    found = []
    for page in PAGES_WITH_FRAMES:
        open_page(driver, base, page)
        found += frame_documents(driver)
    assert found
    for number, html in enumerate(found):
        path = tmp_path / f"{number}.html"
        path.write_text(html, encoding="utf-8")
        driver.get(path.as_uri())
        if violations := describe_barriers(find_barriers(driver, axe)):
            pytest.fail(violations, pytrace=False)


def test_every_exemption_occurs_and_an_added_barrier_is_found(base: str, axe: str) -> None:
    with chrome() as driver:
        open_page(driver, base, "overview")
        found = find_barriers(driver, axe)
        assert {one["rule"] for one in found if one["excused"]} == {rule for rule, *_ in EXEMPT}
        driver.execute_script("document.querySelector('h1').insertAdjacentHTML('afterend', '<button></button>')")
        assert "button-name" in describe_barriers(find_barriers(driver, axe))
