"""Pictures of every page, light and dark, wide and narrow: python -m tests.browser.screenshots WORKSPACE FOLDER [PAGE ...]"""

import sys
from pathlib import Path

from tests.browser.browser import PAGES, chrome, open_page, resize, served

TALL = "return Math.max(...[...document.querySelectorAll('[data-testid=stMain], [data-testid=stSidebarContent]')].map(e => e.scrollHeight))"


def shoot(workspace: Path, folder: Path, pages: tuple[str, ...] = PAGES, queries: dict[str, str] | None = None) -> None:
    """Write FOLDER/PAGE-light-1440.png and so on, each as tall as its page."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(workspace) as base:
        for dark in (False, True):
            for width in (1440, 390):
                with chrome(width, 900, dark) as driver:
                    for page in pages:
                        resize(driver, width, 900)
                        open_page(driver, base, page, (queries or {}).get(page, ""))
                        resize(driver, width, max(900, driver.execute_script(TALL)))
                        open_page(driver, base, page, (queries or {}).get(page, ""))
                        driver.save_screenshot(str(folder / f"{page}-{'dark' if dark else 'light'}-{width}.png"))


if __name__ == "__main__":
    place = Path(sys.argv[1])
    names = tuple(sys.argv[3:]) or PAGES
    from core.workspace import Workspace

    shoot(place, Path(sys.argv[2]), names, {"request": f"?user={Workspace(place).requests()[0].subjects[0]}"})
