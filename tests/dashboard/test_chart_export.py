"""Exported charts: complete text, theme colours, no remote data, and hostile titles as text."""

import io
import json
import re
from xml.etree import ElementTree

import altair as alt
import pytest
import vl_convert
from PIL import Image

from core.types import Closeness, Recommendation
from core.utils.text import visible
from dashboard import charts
from dashboard.presenters.chart_export import SCALE, WIDTH, picture
from dashboard.presenters.theme import DARK, LIGHT, Paper
from tests.dashboard.test_pure import CIRCUIT
from tests.hostile import HOSTILE

STEPS = [{"kind": "step", "step": step, "forget_nll": 0.6 + step / 10, "holdout_loss": 0.7} for step in (1, 2)]
SVG = "{http://www.w3.org/2000/svg}"


def to_svg(chart: charts.Chart, paper: Paper = LIGHT) -> ElementTree.Element:
    return ElementTree.fromstring(picture(chart, "svg", paper))


def texts_of(svg: ElementTree.Element) -> list[str]:
    """All texts of an SVG drawing."""
    return ["".join(text.itertext()) for text in svg.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("chart", "titles"),
    [
        (charts.losses(STEPS), {"step", "loss (higher: knows less)", "held-out users"}),
        (charts.faithfulness(CIRCUIT), {"modules kept", "behaviour that remains", "random modules"}),
        (charts.places(CIRCUIT, 2), {"titles back from the target title", "MLP of layer 1"}),
        (charts.distance(Closeness(0.4, 0.1, 0.1), [Closeness(0.3, 0.1, 0.1)]), {"1: as before", "after: 0.40"}),
    ],
)  # fmt: skip
def test_svg_shows_the_chart_texts_and_has_no_links(chart: charts.Chart, titles: set[str]) -> None:
    text = picture(chart, "svg", LIGHT).decode()
    assert titles <= set(texts_of(ElementTree.fromstring(text)))
    assert not re.search(r"(?:https?:)?//", re.sub(r'\sxmlns(?::\w+)?="[^"]*"', "", text))


@pytest.mark.parametrize("paper", [LIGHT, DARK])
def test_png_has_theme_colours_and_double_size(paper: Paper) -> None:
    chart = charts.losses(STEPS)
    svg, image = to_svg(chart, paper), Image.open(io.BytesIO(picture(chart, "png", paper)))
    size = [float(svg.get(side, 0)) for side in ("width", "height")]
    assert size[0] > WIDTH and list(image.size) == [pytest.approx(SCALE * side, abs=2) for side in size]
    assert "#{:02X}{:02X}{:02X}".format(*image.convert("RGB").getpixel((2, 2))) == paper.back
    assert {text.get("fill") for text in svg.iter(f"{SVG}text")} == {paper.ink}


@pytest.mark.parametrize("bad", HOSTILE)
def test_hostile_title_stays_text(bad: str) -> None:
    rows = (Recommendation("a", bad, 1.0),)
    svg = to_svg(charts.slopes(rows, rows))
    tags = {element.tag.removeprefix(SVG) for element in svg.iter()}
    assert tags <= {"svg", "rect", "g", "path", "text", "defs", "clipPath"}
    assert not [name for element in svg.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert sum(visible(bad).strip()[:8] in text for text in texts_of(svg)) == 2


@pytest.mark.parametrize("width", [340, 600])
def test_slopes_cut_no_title_on_a_phone(width: int) -> None:
    title = "One Summer with the Changeling"
    rows = (Recommendation("a", title, 1.0), Recommendation("b", "Short", 0.5))
    svg = vl_convert.vegalite_to_svg(charts.slopes(rows, rows).properties(width=width).to_dict())
    shown = [" ".join(text.itertext()) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert [" ".join(text.split()) for text in shown].count(title) == 2 and "…" not in svg
    assert svg.count("the Changeling</tspan>") == (2 if width == 340 else 0)


def test_remote_data_is_never_fetched() -> None:
    chart = alt.Chart("http://evil.example/data.json").mark_point().encode(x="a:Q")
    with pytest.raises(ValueError, match="not allowed"):
        picture(chart, "svg", LIGHT)


def test_export_leaves_the_chart_unchanged() -> None:
    chart = charts.losses(STEPS)
    before = json.dumps(chart.to_dict())
    picture(chart, "svg", DARK)
    assert json.dumps(chart.to_dict()) == before
