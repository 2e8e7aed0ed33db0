"""Recommendation lists side by side, with the change of each title in words."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.components.exports import export
from dashboard.presenters.i18n import t


def side_by_side(tables: Sequence[tuple[str, pd.DataFrame]], name: str) -> None:
    """Show each table in its own column.

    Args:
        tables: Heading and table of each list.
        name: Prefix of the names of the CSV files.
    """
    rank, title, change = t("before-after-list-rank"), t("before-after-list-title"), t("before-after-list-change")
    shown = {
        rank: st.column_config.NumberColumn("#", width=30),
        title: st.column_config.TextColumn(width=184),
        change: st.column_config.TextColumn(width=58),
    }
    # A table with a change column is a third wider.
    with st.container(key="lists"):
        columns = st.columns([4 if change in frame else 3 for _, frame in tables], gap="small")
    for column, (heading, frame) in zip(columns, tables, strict=True):
        with column:
            st.markdown(f"**{heading}**")
            alt = t("lists-alt", list=heading)
            st.dataframe(frame, hide_index=True, column_config=shown, height="content", alt=alt)
            export(frame, f"{name}-{heading}".replace(" ", "-").lower())
