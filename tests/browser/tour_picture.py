"""Animated picture of the tour in README.md: python -m tests.browser.tour_picture assets/demo docs/tour.webp"""

import io
import sys
import time
from pathlib import Path

from PIL import Image

from dashboard.presenters.tour import STEPS
from tests.browser.browser import PAGES, chrome, open_page, served

WIDTH, HEIGHT = 1280, 720
SHOWN = 900  # pixels of the picture's width
SECONDS = 2.5  # each step is shown for
SETTLED = 2.0  # seconds until charts and drawings stand still


def frames(workspace: Path) -> list[Image.Image]:
    """One frame for each step whose page and selection differ from the step before."""
    found = []
    seen = None
    with served(workspace) as base, chrome(WIDTH, HEIGHT, False) as driver:
        for number, step in enumerate(STEPS, 1):
            if (step.page, step.query) == seen:
                continue
            seen = step.page, step.query
            query = "&".join(f"{name}={value}" for name, value in (*step.query, ("tour", str(number))))
            open_page(driver, base, step.page if step.page in PAGES else "", f"?{query}")
            time.sleep(SETTLED)
            image = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
            found.append(image.resize((SHOWN, image.height * SHOWN // image.width), Image.Resampling.LANCZOS))
    return found


if __name__ == "__main__":
    first, *others = frames(Path(sys.argv[1]))
    first.save(
        sys.argv[2], save_all=True, append_images=others, duration=int(SECONDS * 1000), loop=0, quality=72, method=6
    )
