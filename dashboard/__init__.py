"""Streamlit dashboard of CURE Lens.

    app.py       page configuration, access gate and navigation
    screens/     one file per page: reads results and draws them
    components/  elements that several pages draw, and four components with scripts and style sheets of their own
    charts/      results as Altair charts
    presenters/  results as sentences, tables, HTML and colours; no Streamlit
    services/    the only callers of core: queries, commands, review, models, subprocess calls
    session/     login, session state and query parameters
    locale/      en.ftl, every text of every page (Project Fluent)

Reserves a processor core before anything imports torch, however the dashboard was started.
"""

from core.utils.torch_threads import reserve_one_core

reserve_one_core()
