"""Tables with their own export, because Streamlit's does not guard against formulas."""

from typing import Literal

import pandas as pd
import streamlit as st

from dashboard.charts import Chart
from dashboard.tables import csv


def table(
    frame: pd.DataFrame, name: str, alt: str, config: dict | None = None, height: int | Literal["auto"] = "auto"
) -> None:
    """Show a table and offer it as CSV."""
    st.dataframe(frame, hide_index=True, column_config=config, height=height, alt=alt)
    export(frame, name)


def chart(chart: Chart, name: str, alt: str, key: str | None = None) -> None:
    """Show a chart."""
    st.altair_chart(chart, alt=alt, key=key)


def export(frame: pd.DataFrame, name: str, label: str = "Save as CSV") -> None:
    st.download_button(
        label,
        csv(frame),
        f"{name}.csv",
        "text/csv",
        key=f"csv_{name}",
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )
