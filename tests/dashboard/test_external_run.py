"""Every page on the run of another tool's adapter, evaluated and verified for real in a tiny workspace."""

import shutil

import pytest
import streamlit as st

from core.pipeline.train_reference import train_reference
from core.runs.external import create_external_run
from core.runs.handle import RunHandle
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import RunState
from core.workspace import Workspace
from dashboard.components.rows import run_table
from dashboard.presenters import phrases
from dashboard.services import comparison
from tests.dashboard.conftest import ROOT, open_page
from tests.dashboard.test_pages import text_of


@pytest.fixture(scope="module")
def verified(prepared, tmp_path_factory) -> RunHandle:
    """A verified run of an adapter that was retrained elsewhere."""
    folder = tmp_path_factory.mktemp("external")
    workspace = Workspace(shutil.copytree(prepared, folder / "workspace"))
    request = workspace.requests()[0]
    train_reference(workspace, request, 999, "cpu", folder / "adapter", lambda step: False)
    run = create_external_run(workspace, request.id, folder / "adapter", "cpu")
    assert work(run) is RunState.DONE, run.status
    verify_run(run, "cpu")
    return run


@pytest.fixture
def run(verified: RunHandle, monkeypatch: pytest.MonkeyPatch) -> RunHandle:
    """The run, in the workspace that the dashboard serves."""
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(verified.workspace.root))
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    st.cache_data.clear()
    return verified


@pytest.mark.parametrize(
    "name", ["overview", "request", "circuit", "what_if", "groups", "run", "before_after", "review", "report"]
)
def test_page_shows_the_run_without_an_error(run: RunHandle, name: str) -> None:
    app = open_page(name, {} if name == "overview" else {"run": run.id})
    assert not app.error and len(app.title) == 1
    assert run.id in text_of(app) or name in ("request", "review")


def test_comparison_claims_no_cost_of_another_tool(run: RunHandle) -> None:
    found = comparison.facts(run)
    assert found.seconds is found.steps is None and found.fall == run.verification.checks[_place_of_fall(run)].value


def _place_of_fall(run: RunHandle) -> int:
    return [check.code for check in run.verification.checks].index("utility_test")


def test_run_page_names_the_tool_and_no_unlearning(run: RunHandle) -> None:
    app = open_page("run", {"run": run.id})
    assert app.title[0].value.startswith("The adapter of another tool was evaluated in ")
    text = text_of(app)
    assert "method Adapter of another tool" in text and "unlearning" not in text
    offered = {option for box in (*app.selectbox, *app.radio) for option in box.options}
    assert "Adapter of another tool" not in offered and offered


def test_report_page_and_review_page_show_the_verdict(run: RunHandle) -> None:
    sentence = run.verification.sentence
    assert sentence and sentence in text_of(open_page("report", {"run": run.id}))
    assert phrases.escape(sentence) in text_of(open_page("review", {"request": run.spec.request}))


def test_table_of_runs_names_the_method_and_no_time(run: RunHandle) -> None:
    (row,) = run_table({run.id: run}).to_dict("records")
    assert row["Method"] == "external" and row["Seconds"] is None


def test_before_and_after_lists_come_from_the_given_adapter(run: RunHandle) -> None:
    assert run.evaluation.lists
    app = open_page("before_after", {"run": run.id})
    assert app.dataframe and not app.error
