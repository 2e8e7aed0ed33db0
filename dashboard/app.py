"""Page configuration and navigation, nothing else. Start with `python -m core demo`, or `streamlit run dashboard/app.py`."""

from pathlib import Path

import streamlit as st

from dashboard.components.sidebar import sidebar
from dashboard.components.text import guarded
from dashboard.palette import STYLE
from dashboard.texts import Texts, t

ICON = str(Path(__file__).parents[1] / "assets/icon.png")
ICONS = {
    "overview": "home",
    "request": "person_search",
    "circuit": "account_tree",
    "run": "play_circle",
    "before_after": "compare_arrows",
    "report": "description",
}
PAGES = Texts(
    {
        "overview": "page-overview",
        "request": "page-request",
        "circuit": "page-circuit",
        "run": "page-run",
        "before_after": "page-before-after",
        "report": "page-report",
    }
)

st.set_page_config(t("product"), ICON, layout="wide")
st.logo(ICON, size="large")
st.html(STYLE)
page = st.navigation(
    {
        t("product"): [
            st.Page(f"views/{name}.py", title=title, icon=f":material/{ICONS[name]}:", default=name == "overview")
            for name, title in PAGES.items()
        ]
    }
)
with guarded():
    sidebar()
    page.run()
