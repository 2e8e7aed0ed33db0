"""Charts as SVG and PNG files, rendered by vl-convert without a browser and without the network.

Rendering takes about half a second the first time, so pages call it only when a download button is pressed.
"""

from typing import Any, Literal

import vl_convert

from core.utils.text import visible
from dashboard.charts import Chart
from dashboard.presenters.theme import Paper

WIDTH = 720  # pixels; on a page the chart has the width of its column
SCALE = 2  # PNG pixels per SVG pixel, for slides


def picture(chart: Chart, kind: Literal["svg", "png"], paper: Paper) -> bytes:
    """Render a chart.

    Args:
        chart: Any chart of `dashboard.charts`.
        kind: File format; a PNG has `SCALE` times the width and height of the SVG.
        paper: Colours of the file.

    Returns:
        The bytes of the file.
    """
    spec = _without_invisible(chart.to_dict())
    if "layer" in spec or "mark" in spec:
        spec.setdefault("width", WIDTH)
    if kind == "svg":
        return vl_convert.vegalite_to_svg(spec, config=_config(paper), allowed_base_urls=[]).encode()
    return vl_convert.vegalite_to_png(spec, scale=SCALE, config=_config(paper), allowed_base_urls=[])


def _without_invisible(value: Any) -> Any:
    """Remove invisible characters from a chart specification: SVG forbids some, and others crash the renderer."""
    if isinstance(value, dict):
        return {_without_invisible(key): _without_invisible(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_invisible(item) for item in value]
    return visible(value) if isinstance(value, str) else value


def _config(paper: Paper) -> dict[str, Any]:
    text = {"labelColor": paper.ink, "titleColor": paper.ink, "labelFontSize": 12, "titleFontSize": 12}
    lines = {"domainColor": paper.quiet, "tickColor": paper.quiet, "gridColor": paper.quiet, "gridOpacity": 0.25}
    return {
        "background": paper.back,
        "padding": 16,
        "font": "sans-serif",
        "view": {"stroke": None},
        "axis": {**text, **lines, "titleFontWeight": "normal"},
        "legend": text,
        "header": text,
        "title": {"color": paper.ink},
        "text": {"fill": paper.ink},
    }
