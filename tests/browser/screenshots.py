"""Pictures of every page, light and dark, wide and narrow: python -m tests.browser.screenshots WORKSPACE FOLDER [PAGE ...]

Those of docs/pages are made on the demo world: python -m tests.browser.screenshots assets/demo docs/pages
"""

import io
import sys
import time
from pathlib import Path

from PIL import Image

from tests.browser.browser import PAGES, chrome, open_page, resize, served

TALL = "return Math.max(...[...document.querySelectorAll('[data-testid=stMain], [data-testid=stSidebarContent]')].map(e => e.scrollHeight))"

WIDEST = 1080  # pixels
SETTLED = 1.5  # seconds until charts and drawings stand still


def shoot(workspace: Path, folder: Path, pages: tuple[str, ...] = PAGES, queries: dict[str, str] | None = None) -> None:
    """Write FOLDER/PAGE-light-1440.webp and so on, each as tall as its page."""
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
                        time.sleep(SETTLED)
                        _save(
                            driver.get_screenshot_as_png(),
                            folder / f"{page}-{'dark' if dark else 'light'}-{width}.webp",
                        )


def _save(picture: bytes, path: Path) -> None:
    """Small enough to be kept: wide ones at 1,080 pixels."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > WIDEST:
        image = image.resize((WIDEST, image.height * WIDEST // image.width), Image.Resampling.LANCZOS)
    image.save(path, quality=70, method=6)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    names = tuple(sys.argv[3:]) or PAGES
    from core.workspace import Workspace

    subject = Workspace(place).requests()[0].subjects[0]
    queries = {"request": f"?user={subject}", "circuit": "?module=a0.h5", "what_if": f"?off=a0.h5&person={subject}"}
    shoot(place, Path(sys.argv[2]), names, queries)
