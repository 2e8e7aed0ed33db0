"""A chart as a picture to keep, drawn without a browser and without a network. Pure; the first takes half a second: only when asked."""

from typing import Any, Literal

import vl_convert

from core.report.summary import visible
from dashboard.charts import Chart
from dashboard.presenters.theme import Paper

WIDTH = 720  # pixels, where the page gives the chart the width of its column
SCALE = 2  # of the PNG, for slides


def picture(chart: Chart, kind: Literal["svg", "png"], paper: Paper) -> bytes:
    """`chart` in the colours of `paper`; the PNG at `SCALE` pixels per pixel of the SVG."""
    spec = _seen(chart.to_dict())
    if "layer" in spec or "mark" in spec:
        spec.setdefault("width", WIDTH)
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=_config(paper), allowed_base_urls=[]).encode()
    return vl_convert.vegalite_to_png(spec, scale=SCALE, config=_config(paper), allowed_base_urls=[])


def _seen(value: Any) -> Any:
    """A chart's description without unseen characters: some are no part of an SVG, and some would bring the drawing library down."""
    if isinstance(value, dict):
        return {_seen(key): _seen(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_seen(one) for one in value]
    return visible(value) if isinstance(value, str) else value


def _config(paper: Paper) -> dict:
    words = {"labelColor": paper.ink, "titleColor": paper.ink, "labelFontSize": 12, "titleFontSize": 12}
    lines = {"domainColor": paper.quiet, "tickColor": paper.quiet, "gridColor": paper.quiet, "gridOpacity": 0.25}
    return {
        "background": paper.back,
        "padding": 16,
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {**words, **lines, "titleFontWeight": "normal"},
        "legend": words,
        "header": words,
        "title": {"color": paper.ink},
        "text": {"fill": paper.ink},
    }
