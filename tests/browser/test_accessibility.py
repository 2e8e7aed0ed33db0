"""No serious barrier on any page: axe-core in a real browser, light and dark, wide and narrow.

axe cannot see into canvases (charts and tables: their alt texts hold for them) nor into frames without our origin: the
documents of those are opened on their own.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By

from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, open_page, served

LOOKS = {"light-1440": (1440, False), "dark-1440": (1440, True), "light-390": (390, False)}
# Pages in the states that show most: a person chosen, the form unfolded; and one step of the tour.
QUERIES = {
    "request": "?user=u254",
    "circuit": "?module=a0.h5",
    "what_if": "?off=a0.h5&out=3",
    "groups": "?forget=a0.h5&high=0.7",
    "run": "?request=req-demo",
}
VIEWS = [*((page, QUERIES.get(page, "")) for page in PAGES), ("report", "?run=run-demo&tour=9")]
FRAMED = ("report",)
# (rule, selector, reason): barriers inside Streamlit's own widgets that nothing from outside can mend.
EXEMPT = (
    (
        "list",
        "ul[data-testid=stSidebarNavItems]",
        "Streamlit wraps each section of the navigation in a div inside its ul; browsers read it as a list all the same.",
    ),
    ("listitem", "ul[data-testid=stSidebarNavItems] > div > li", "The other side of the same div."),
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


@pytest.fixture(scope="module", params=LOOKS)
def driver(request: pytest.FixtureRequest) -> Iterator[Chrome]:
    width, dark = LOOKS[request.param]
    with chrome(width, 900, dark) as opened:
        yield opened


def barriers(driver: Chrome, axe: str) -> list[dict]:
    """Every serious or critical violation in the document that the driver stands in, the excused ones too."""
    driver.set_script_timeout(60)
    driver.execute_script(axe)
    found = driver.execute_async_script(CHECK, [rule[:2] for rule in EXEMPT])
    return [one for one in found if one["impact"] in ("serious", "critical")]


def readable(found: list[dict]) -> str:
    """The violations that nothing excuses, as text; empty if there are none."""
    return "\n\n".join(
        f"{one['rule']} ({one['impact']}): {one['help']}\n  at {one['where']}\n  {one['html']}\n  {one['why']}"
        for one in found
        if not one["excused"]
    )


def documents(driver: Chrome) -> list[str]:
    """The documents of a page's frames, and of the frames within these, which have no origin of ours."""
    outer = driver.find_elements(By.CSS_SELECTOR, "iframe[srcdoc]")
    found = [frame.get_attribute("srcdoc") for frame in outer]
    for frame in outer:
        driver.switch_to.frame(frame)
        found += [inner.get_attribute("srcdoc") for inner in driver.find_elements(By.CSS_SELECTOR, "iframe[srcdoc]")]
        driver.switch_to.default_content()
    return [html or "" for html in found]


@pytest.mark.parametrize(("page", "query"), VIEWS, ids=[f"{page}{query}" for page, query in VIEWS])
def test_no_page_has_a_serious_barrier(base: str, driver: Chrome, axe: str, page: str, query: str) -> None:
    open_page(driver, base, page, query)
    if wrong := readable(barriers(driver, axe)):
        pytest.fail(wrong, pytrace=False)


def test_no_framed_document_has_a_serious_barrier(base: str, driver: Chrome, axe: str, tmp_path: Path) -> None:
    found = []
    for page in FRAMED:
        open_page(driver, base, page)
        found += documents(driver)
    assert found
    for number, html in enumerate(found):
        place = tmp_path / f"{number}.html"
        place.write_text(html, encoding="utf-8")
        driver.get(place.as_uri())
        if wrong := readable(barriers(driver, axe)):
            pytest.fail(wrong, pytrace=False)


def test_every_exemption_is_still_needed_and_a_barrier_is_found(base: str, axe: str) -> None:
    with chrome() as driver:
        open_page(driver, base, "overview")
        found = barriers(driver, axe)
        assert {one["rule"] for one in found if one["excused"]} == {rule for rule, *_ in EXEMPT}
        driver.execute_script("document.querySelector('h1').insertAdjacentHTML('afterend', '<button></button>')")
        assert "button-name" in readable(barriers(driver, axe))
