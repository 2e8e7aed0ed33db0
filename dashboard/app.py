"""Page configuration and navigation, nothing else. Start with `python -m core demo`, or `streamlit run dashboard/app.py`."""

from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.components.sidebar import sidebar
from dashboard.components.text import guarded
from dashboard.components.tour import tour
from dashboard.palette import STYLE
from dashboard.texts import t

ICON = str(Path(__file__).parents[1] / "assets/icon.png")
# The sections tell the story: what there is, how it works inside, how data is taken out, who decides.
SECTIONS = {
    "": (("overview", "Overview", "home"), ("request", "Request", "person_search")),
    "everywhere-inside": (
        ("circuit", "Circuit", "account_tree"),
        ("what_if", "What if", "tune"),
        ("groups", "Groups", "category"),
    ),
    "everywhere-unlearn": (
        ("run", "Run", "play_circle"),
        ("before_after", "Before and after", "compare_arrows"),
    ),
    "everywhere-decide": (("report", "Report", "description"),),
}
PAGES = {
    name: st.Page(f"views/{name}.py", title=title, icon=f":material/{icon}:", default=name == "overview")
    for section in SECTIONS.values()
    for name, title, icon in section
}

st.set_page_config("CURE Lens", ICON, layout="wide")
st.logo(ICON, size="large")
st.html(STYLE)
page = st.navigation(
    {section and t(section): [PAGES[name] for name, *_ in pages] for section, pages in SECTIONS.items()}
)
name = page.url_path or "overview"
state.enter(name)
with guarded():
    sidebar()
    tour(name, PAGES)
    page.run()
