"""The Tab key leads through every page and out of it, and each link and button shows that it has the focus."""

import time
from collections.abc import Iterator

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys

from tests.browser.browser import BROWSER, PAGES, ROOT, chrome, open_page, served
from tests.browser.test_accessibility import QUERIES

pytestmark = BROWSER
MOST = 300  # Tab presses; the largest page of the demo takes about a hundred and fifty
STILL = """
const still = new CSSStyleSheet();
still.replaceSync('*, ::before, ::after { transition: none !important; animation: none !important }');
for (const root of [document, ...[...document.querySelectorAll('*')].map((e) => e.shadowRoot).filter(Boolean)])
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, still];
"""
# What has the focus, and whether it looks different without it; null once the focus has left the page.
FOCUS = """
let focused = document.activeElement;
while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
if (!focused || focused === document.body) return null;
const style = (e) => { const c = getComputedStyle(e);
  return [c.outlineStyle, c.outlineColor, c.boxShadow, c.borderColor, c.backgroundColor, c.color].join(); };
const look = () => [focused, focused.parentElement, focused.parentElement?.parentElement].filter(Boolean).map(style).join(';');
const label = `${focused.tagName} ${focused.getAttribute('aria-label') || focused.textContent.trim().slice(0, 40)}`;
const held = look();
focused.blur();
const left = look();
focused.focus({preventScroll: true, focusVisible: true});
return [label, held !== left || !['A', 'BUTTON'].includes(focused.tagName)];
"""


DARK = ("overview", "circuit", "review")  # colours of the focus are the same on all pages


@pytest.fixture(scope="module")
def page(request: pytest.FixtureRequest) -> Iterator[tuple[Chrome, str]]:
    with served(ROOT / "assets/demo") as base, chrome(dark=request.param) as driver:
        yield driver, base


@pytest.mark.parametrize(
    ("page", "name"), [*((False, one) for one in PAGES), *((True, one) for one in DARK)], indirect=["page"]
)
def test_focus_is_visible_and_leaves_the_page(page: tuple[Chrome, str], name: str) -> None:
    driver, base = page
    open_page(driver, base, name, QUERIES.get(name, ""))
    time.sleep(1)  # until drawings and tables can take the focus
    driver.execute_script(STILL)
    reached = []
    for _ in range(MOST):
        ActionChains(driver).send_keys(Keys.TAB).perform()
        found = driver.execute_script(FOCUS)
        if found is None:
            break
        reached.append(found)
    assert found is None, f"the focus does not leave the page: {reached[-3:]}"
    assert len(reached) > 15 and not [label for label, visible in reached if not visible]
