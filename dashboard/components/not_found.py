"""What the address or a list names and this workspace does not hold, and what the page shows instead."""

from collections.abc import Collection, Iterator

import streamlit as st

from dashboard.components.sidebar import SHOWS_RUN, chosen_run
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import code, escape
from dashboard.services import queries
from dashboard.session import state

RUNS = ("run", "other")  # query parameters that name a run; `other` is compared with it
USERS = {"request": "user", "what_if": "person", "before_after": "person"}  # page: parameter that names a user
MODULES = {"circuit": "module", "what_if": "off", "groups": "forget"}  # page: parameter that names modules


def not_found(page: str) -> None:
    """Draw one sentence for each run, request, user or module of the address that does not exist here.

    Args:
        page: Name of the page; each page reads other parameters.
    """
    for sentence in (*_runs(page), *_request(page), *_user(page), *_modules(page)):
        st.warning(sentence, icon=":material/search_off:")


def damaged_entries() -> None:
    """Draw one sentence for each entry that is missing in every list because its file is damaged."""
    for sentence in queries.damaged_entries():
        st.warning(escape(sentence), icon=":material/broken_image:")


def _runs(page: str) -> Iterator[str]:
    shown, runs = chosen_run(), queries.runs()
    compared = state.listed("runs") if page == "compare" else []
    yield from (t("missing-run", run=code(name)) for name in compared if name not in runs)
    for parameter in RUNS:
        name = state.query_value(parameter)
        if not name or name in runs:
            continue
        if shown and parameter == "run" and page in SHOWS_RUN:
            yield t("missing-run-instead", run=code(name), shown=code(shown.id))
        else:
            yield t("missing-run", run=code(name))


def _request(page: str) -> Iterator[str]:
    """A request that the page does not know; the page Request says it by itself."""
    name, workspace = state.query_value("request"), queries.workspace()
    if not name or page not in ("run", "review") or name in {one.id for one in workspace.requests()}:
        return
    if name not in {one.id for one in workspace.closed()}:
        yield t("missing-request", request=code(name))
    elif page == "run":
        yield t("missing-request-closed", request=code(name))


def _user(page: str) -> Iterator[str]:
    name, shown, workspace = state.query_value(USERS.get(page, "")), chosen_run(), queries.workspace()
    if not name:
        return
    known: Collection[str] = workspace.user_split.training_users
    if shown and page != "request":
        known = queries.selectable_users(workspace.request(shown.spec.request))
    if name not in known:
        yield t("missing-user", user=code(name))


def _modules(page: str) -> Iterator[str]:
    """Modules and connections ("source>target") that the run shown does not have."""
    names = {name for name in (state.query_value(MODULES.get(page, "")) or "").split(",") if name}
    shown = chosen_run()
    if names and shown:
        known = {row.module for row in queries.groups(shown) or ()}
        if page == "circuit":
            found = queries.circuits(shown) or ()
            known |= {f"{edge.source}>{edge.target}" for circuit in found for edge in circuit.edges}
        for name in sorted(names - known):
            yield t("missing-module", module=code(name), run=code(shown.id))
