"""Top lists beside one another, in words for what changed."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard.components.exports import export
from dashboard.presenters.i18n import t

RANK, TITLE, CHANGE = "Rank", "Title", "Change"
CHANGE_SHARE = 1  # a table with words for changes is a third wider
COLUMNS = {
    RANK: st.column_config.NumberColumn("#", width=34),
    TITLE: st.column_config.TextColumn(width="medium"),
    CHANGE: st.column_config.TextColumn(width=78),
}


def side_by_side(tables: Sequence[tuple[str, pd.DataFrame]], name: str) -> None:
    """Each titled table in a column of its own; `name`: how their exports' names begin."""
    rank, title, change = t("before-after-list-rank"), t("before-after-list-title"), t("before-after-list-change")
    shown = {
        rank: st.column_config.NumberColumn("#", width=34),
        title: st.column_config.TextColumn(width="medium"),
        change: st.column_config.TextColumn(width=78),
    }
    # A table with words for changes is a third wider.
    columns = st.columns([4 if change in frame else 3 for _, frame in tables], gap="small")
    for column, (name_shown, frame) in zip(columns, tables, strict=True):
        with column:
            st.markdown(f"**{name_shown}**")
            alt = t("lists-alt", list=name_shown)
            st.dataframe(frame, hide_index=True, column_config=shown, height="content", alt=alt)
            export(frame, f"{name}-{name_shown}".replace(" ", "-").lower())
