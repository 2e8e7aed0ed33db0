"""Page configuration and navigation, nothing else. Start with `python -m core demo`, or `streamlit run dashboard/app.py`."""

from pathlib import Path

import streamlit as st

from dashboard.components.sidebar import sidebar
from dashboard.components.text import guarded
from dashboard.palette import STYLE

ICON = str(Path(__file__).parents[1] / "assets/icon.png")
PAGES = (
    ("overview", "Overview", "home"),
    ("request", "Request", "person_search"),
    ("circuit", "Circuit", "account_tree"),
    ("what_if", "What if", "tune"),
    ("run", "Run", "play_circle"),
    ("before_after", "Before and after", "compare_arrows"),
    ("report", "Report", "description"),
)

st.set_page_config("CURE Lens", ICON, layout="wide")
st.logo(ICON, size="large")
st.html(STYLE)
page = st.navigation(
    {
        "CURE Lens": [
            st.Page(f"views/{name}.py", title=title, icon=f":material/{icon}:", default=name == "overview")
            for name, title, icon in PAGES
        ]
    }
)
with guarded():
    sidebar()
    page.run()
