"""An address that names something unknown: the page says so, and what it shows instead."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.types import ClosedRequest
from core.utils.serialization import write_json
from core.workspace import Workspace
from dashboard.presenters.phrases import code, escape


def warnings(app: AppTest) -> str:
    return "\n".join(one.value for one in app.warning)


@pytest.mark.parametrize("name", ["overview", "circuit", "run", "report"])
def test_unknown_run_is_named_with_the_run_shown_instead(page, name: str) -> None:
    app = page(name, run="run-gone")
    shown = app.selectbox(key="pick_run").value
    assert "Run `run-gone` was not found" in warnings(app) and f"Run `{shown}` is shown instead" in warnings(app)
    assert "was not found" not in warnings(page(name))


def test_review_page_names_an_unknown_run_and_none_that_it_does_not_show(page) -> None:
    app = page("review", run="run-gone")
    assert "Run `run-gone` was not found" in warnings(app) and "instead" not in warnings(app)
    assert app.selectbox(key="pick_review_run").value == "run-retrained"


@pytest.mark.parametrize("name", ["request", "compare", "review", "benchmark"])
def test_page_that_does_not_show_the_chosen_run_has_no_box_for_it(page, name: str) -> None:
    assert "pick_run" not in {box.key for box in page(name).selectbox}


@pytest.mark.parametrize("name", ["run", "review"])
def test_unknown_request_is_named(page, name: str) -> None:
    assert "Request `req-gone` was not found" in warnings(page(name, request="req-gone"))
    assert "was not found" not in warnings(page(name, request="req-one"))


def test_unknown_request_of_the_request_page_is_named_with_those_that_exist(page) -> None:
    found = page("request", errors=True, request="req-gone").error[0].value
    assert escape("'req-gone' is not in this workspace: choose one of") in found


def test_closed_request_is_shown_for_review_and_refused_for_a_run(page, demo: Path) -> None:
    write_json(
        demo / "closed/req-old.json",
        ClosedRequest("req-old", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "run-old", 1, 1, 2, ""),
    )
    assert not page("review", request="req-old").warning
    assert "Request `req-old` is carried out" in warnings(page("run", request="req-old"))


@pytest.mark.parametrize(("name", "key"), [("request", "user"), ("before_after", "person"), ("what_if", "person")])
def test_unknown_user_is_named(page, demo: Path, name: str, key: str) -> None:
    assert "User `nobody` was not found" in warnings(page(name, **{key: "nobody"}))
    user = Workspace(demo).user_split.training_users[3]
    assert "was not found" not in warnings(page(name, **{key: user}))


@pytest.mark.parametrize(("name", "key"), [("circuit", "module"), ("what_if", "off"), ("groups", "forget")])
def test_unknown_module_is_named(page, name: str, key: str) -> None:
    found = warnings(page(name, **{key: "a9.h9" if key == "module" else "m0,a9.h9"}))
    assert "Module `a9.h9` was not found in run `run-demo`" in found and "`m0`" not in found


def test_unknown_run_to_compare_with_is_named(page) -> None:
    assert "Run `run-gone` was not found" in warnings(page("circuit", other="run-gone"))


def test_unknown_name_is_shown_as_text(page) -> None:
    name = "a` ![x](http://evil.example/x.png) `b"
    assert f"Run {code(name)} was not found" in warnings(page("overview", run=name))
