"""Record the animation of the tour for README.md: python -m tests.browser.tour_picture assets/demo docs/tour.webp"""

import io
import sys
import time
from pathlib import Path

from PIL import Image

from dashboard.presenters.tour import STEPS
from tests.browser.browser import PAGES, chrome, open_page, served

WIDTH, HEIGHT = 1280, 720
PICTURE_WIDTH = 900  # width of the picture in pixels
STEP_SECONDS = 3.5  # time that each step is shown
SETTLE_SECONDS = 2.0  # seconds until charts and drawings stop moving


def frames(workspace: Path) -> list[Image.Image]:
    """One frame for each step."""
    found = []
    with served(workspace) as base, chrome(WIDTH, HEIGHT, False) as driver:
        for number, step in enumerate(STEPS, 1):
            query = "&".join(f"{name}={value}" for name, value in (*step.query, ("tour", str(number))))
            open_page(driver, base, step.page if step.page in PAGES else "", f"?{query}")
            time.sleep(SETTLE_SECONDS)
            image = Image.open(io.BytesIO(driver.get_screenshot_as_png())).convert("RGB")
            found.append(
                image.resize((PICTURE_WIDTH, image.height * PICTURE_WIDTH // image.width), Image.Resampling.LANCZOS)
            )
    return found


if __name__ == "__main__":
    first, *others = frames(Path(sys.argv[1]))
    first.save(
        sys.argv[2],
        save_all=True,
        append_images=others,
        duration=int(STEP_SECONDS * 1000),
        loop=0,
        quality=72,
        method=6,
    )
