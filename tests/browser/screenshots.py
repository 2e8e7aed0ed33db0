"""Screenshots of every page: python -m tests.browser.screenshots WORKSPACE FOLDER [--all] [PAGE ...]

Each page is taken light and wide, and dark on a phone; with --all also the other way round. The screenshots in docs/pages
show the demo workspace: python -m tests.browser.screenshots assets/demo docs/pages
"""

import io
import sys
import time
from pathlib import Path

from PIL import Image

from tests.browser.browser import PAGES, chrome, open_page, resize, served

PAGE_HEIGHT = "return Math.max(...[...document.querySelectorAll('[data-testid=stMain], [data-testid=stSidebarContent]')].map(e => e.scrollHeight))"

MAX_WIDTH = 1080  # pixels
LOOKS = (
    (False, 1440),
    (True, 390),
    (True, 1440),
    (False, 390),
)  # dark or not, and width; docs/pages shows the first two
SHOWN = 2
SETTLE_SECONDS = 1.5  # seconds until charts and drawings stop moving


def save_screenshots(
    workspace: Path,
    folder: Path,
    pages: tuple[str, ...] = PAGES,
    queries: dict[str, str] | None = None,
    looks: tuple[tuple[bool, int], ...] = LOOKS,
) -> None:
    """Write FOLDER/PAGE-light-1440.webp and so on, each as tall as its page."""
    folder.mkdir(parents=True, exist_ok=True)
    with served(workspace) as base:
        for dark, width in looks:
            with chrome(width, 900, dark) as driver:
                for page in pages:
                    resize(driver, width, 900)
                    open_page(driver, base, page, (queries or {}).get(page, ""))
                    resize(driver, width, max(900, driver.execute_script(PAGE_HEIGHT)))
                    open_page(driver, base, page, (queries or {}).get(page, ""))
                    time.sleep(SETTLE_SECONDS)
                    name = f"{page}-{'dark' if dark else 'light'}-{width}.webp"
                    _save(driver.get_screenshot_as_png(), folder / name)


def _save(picture: bytes, path: Path) -> None:
    """Save a screenshot as WebP, at most 1,080 pixels wide."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    if image.width > MAX_WIDTH:
        image = image.resize((MAX_WIDTH, image.height * MAX_WIDTH // image.width), Image.Resampling.LANCZOS)
    image.save(path, quality=70, method=6)


if __name__ == "__main__":
    workspace = Path(sys.argv[1])
    names = tuple(one for one in sys.argv[3:] if one != "--all") or PAGES
    from core.runs.handle import open_run
    from core.workspace import Workspace

    opened = Workspace(workspace)
    subject = opened.request(open_run(opened, "run-demo").spec.request).subjects[0]
    queries = {
        "request": f"?user={subject}",
        "circuit": "?run=run-demo&module=a2.h6",
        "what_if": f"?run=run-demo&off=a2.h6&person={subject}",
        "groups": "?run=run-demo",
        "compare": "?runs=run-demo,run-retrained",
    }
    save_screenshots(workspace, Path(sys.argv[2]), names, queries, LOOKS if "--all" in sys.argv else LOOKS[:SHOWN])
