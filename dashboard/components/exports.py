"""Charts and tables with download buttons: rendered offline, and CSV files without spreadsheet formulas."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, cast

import pandas as pd
import streamlit as st

from dashboard.charts import Chart
from dashboard.presenters.chart_export import picture
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.presenters.tables import csv
from dashboard.presenters.theme import DARK, LIGHT


@dataclass(frozen=True)
class Unvalidated:
    """A chart that Streamlit draws without checking it against Vega-Lite's schema, which only the tests do.

    Attributes:
        chart: The chart; the check would take about as long as all else that is done to draw it.
    """

    chart: Chart

    def to_dict(self) -> dict[str, Any]:
        """Return the specification of the chart, as Streamlit asks for it."""
        return self.chart.to_dict(validate=False)


def chart(chart: Chart, name: str, alt: str, key: str | None = None) -> None:
    """Show a chart and offer it as SVG and PNG in the colours of the page.

    Args:
        chart: The chart.
        name: Name of the files.
        alt: Text for screen readers.
        key: Key of the chart, if the page redraws it.
    """
    st.altair_chart(cast(Chart, Unvalidated(chart)), alt=alt, key=key)
    paper = DARK if st.context.theme.type == "dark" else LIGHT
    description = escape(alt)  # for screen readers only, see presenters/theme.py STYLE
    with st.popover(t("save-chart", alt=description), icon=":material/download:", type="tertiary", key=f"save_{name}"):
        _picture(
            t("save-svg", alt=description),
            file_name(name, "svg"),
            "image/svg+xml",
            partial(picture, chart, "svg", paper),
        )
        _picture(
            t("save-png", alt=description), file_name(name, "png"), "image/png", partial(picture, chart, "png", paper)
        )


def _picture(label: str, file: str, mime: str, draw: partial[bytes]) -> None:
    """Draw a download button that renders the chart only when it is pressed."""
    st.download_button(label, draw, file, mime, key=f"draw_{file}", type="tertiary", on_click="ignore")


def file_name(name: str, kind: str) -> str:
    """Return a file name without path separators, whatever the user ids in it contain."""
    return re.sub(r"[^\w-]+", "-", name).strip("-")[:80] + f".{kind}"


def table(
    frame: pd.DataFrame,
    name: str,
    alt: str,
    config: dict[str, Any] | None = None,
    height: int | Literal["auto", "content"] = "auto",
) -> None:
    """Show a table and offer it as CSV.

    Args:
        frame: The table.
        name: Name of the file.
        alt: Text for screen readers.
        config: Column configuration of `st.dataframe`.
        height: Height in pixels, or "content" for all rows.
    """
    st.dataframe(frame, hide_index=True, column_config=config, height=height, alt=alt)
    export(frame, name)


def save_json(content: Callable[[], str], name: str) -> None:
    """Offer a circuit as graph JSON, which is made only when the button is pressed."""
    st.download_button(
        t("save-graph-json"),
        content,
        file_name(name, "json"),
        "application/json",
        key=f"json_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
        help=t("save-graph-json-help"),
    )


def export(frame: pd.DataFrame, name: str, label: str = "") -> None:
    """Offer a table as CSV; `label` replaces "Save as CSV"."""
    st.download_button(
        label or t("save-csv"),
        csv(frame),
        file_name(name, "csv"),
        "text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
