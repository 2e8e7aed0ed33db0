"""Charts as files: an SVG that any program opens, a PNG twice as large, nothing from elsewhere, and titles that stay text."""

import io
import re
import xml.etree.ElementTree as ElementTree

import pytest
from PIL import Image

from core.types import Closeness
from dashboard import charts
from dashboard.palette import DARK, LIGHT
from dashboard.pictures import SCALE, picture
from dashboard.texts import t
from tests.dashboard.conftest import HOSTILE
from tests.dashboard.test_pure import CIRCUIT, rows


@pytest.mark.parametrize("paper", [LIGHT, DARK])
def test_an_svg_holds_the_chart_in_the_colours_of_the_page(paper) -> None:
    found = picture(charts.faithfulness(CIRCUIT), "svg", paper).decode()
    ElementTree.fromstring(found)
    assert t("circuit-curve-parts") in found and paper.back.lower() in found.lower()
    assert not [url for url in re.findall(r"https?://[^\"' ]+", found) if "www.w3.org" not in url]


def test_a_png_is_twice_the_size_of_the_svg() -> None:
    chart = charts.distance(Closeness(0.4, 0.1, 0.1), [])
    width = float(re.search(r'width="([0-9.]+)"', picture(chart, "svg", LIGHT).decode())[1])
    with Image.open(io.BytesIO(picture(chart, "png", LIGHT))) as image:
        assert image.width == pytest.approx(SCALE * width, abs=2)


@pytest.mark.parametrize("title", HOSTILE)
def test_a_hostile_title_stays_text(title: str) -> None:
    before = tuple(type(row)(row.item, title, row.score) for row in rows("a"))
    found = picture(charts.slopes(before, rows("b")), "svg", LIGHT).decode()
    tree = ElementTree.fromstring(found)
    assert not [node for node in tree.iter() if node.tag.endswith(("script", "image", "}a"))]
