"""Page configuration, access gate and navigation.

Served by `dashboard/server.py`; start with `python -m core demo`.
"""

import streamlit as st

from core.utils.assets import asset
from dashboard.components.access_gate import access_gate
from dashboard.components.not_found import damaged_entries, not_found
from dashboard.components.sidebar import sidebar
from dashboard.components.text import guarded
from dashboard.components.tour import tour
from dashboard.presenters.i18n import Texts, t
from dashboard.presenters.theme import STYLE
from dashboard.services.models_ahead import load_ahead
from dashboard.session import state

ICON = str(asset("icon.png"))
# The order follows the work: see the requests, look inside the model, unlearn, decide.
SECTIONS = {
    "": {"overview": "home", "request": "person_search"},
    "everywhere-inside": {"circuit": "account_tree", "what_if": "tune", "groups": "category"},
    "everywhere-unlearn": {"run": "play_circle", "before_after": "compare_arrows", "compare": "view_column"},
    "everywhere-decide": {"review": "gavel", "report": "description", "benchmark": "leaderboard"},
}
TITLES = Texts(
    {
        "overview": "page-overview",
        "request": "page-request",
        "circuit": "page-circuit",
        "what_if": "page-what-if",
        "groups": "page-groups",
        "run": "page-run",
        "before_after": "page-before-after",
        "compare": "page-compare",
        "review": "page-review",
        "report": "page-report",
        "benchmark": "page-benchmark",
    }
)
PAGES = {
    name: st.Page(f"screens/{name}.py", title=TITLES[name], icon=f":material/{icon}:", default=name == "overview")
    for section in SECTIONS.values()
    for name, icon in section.items()
}

st.set_page_config(t("product"), ICON, layout="wide")
st.logo(ICON, size="large")
st.html(STYLE)
page = st.navigation({section and t(section): [PAGES[name] for name in pages] for section, pages in SECTIONS.items()})
name = page.url_path or "overview"
state.enter(name)
with guarded():
    if access_gate():
        load_ahead()
        sidebar(name)
        tour(name, PAGES)
        damaged_entries()
        not_found(name)
        page.run()
