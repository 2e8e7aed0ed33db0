"""The drift budget on pages: the sentence of the launch form, and the link of the next step retrain."""

from dataclasses import replace
from urllib.parse import parse_qsl

from streamlit.testing.v1 import AppTest

from core.runs.handle import open_run
from core.types import ClosedRequest
from core.utils.serialization import write_json
from dashboard.services import queries
from tests.dashboard.test_review import draw_page, text_of  # noqa: F401 - fixture
from tests.review.conftest import desk, verified  # noqa: F401 - fixtures


def test_next_step_retrain_leads_to_the_launch_form_with_the_method(draw_page, desk):  # noqa: F811
    run = open_run(desk.workspace, desk.run)
    run.write_verification(replace(run.verification, next_steps=("reject",)))
    assert "Retrain because of drift" not in link_labels(draw_page("olaf"))
    run.write_verification(replace(run.verification, next_steps=("retrain_drift", "reject")))
    app = draw_page("olaf")
    (found,) = [one.proto for one in app.get("page_link") if one.proto.label == "Retrain because of drift"]
    assert found.page.endswith("run") and f"request={desk.request}" in found.query_string
    query = dict(parse_qsl(found.query_string))
    app = draw_page("olaf", "run", **query)
    assert app.radio(key="method").value == "retrain" and app.selectbox(key="pick_request").value == desk.request
    assert draw_page("olaf", "run", method="nonsense").radio(key="method").value == queries.DEFAULT_METHOD


def test_launch_form_tells_the_drift_after_the_first_deletion(draw_page, desk):  # noqa: F811
    assert "Since the" not in text_of(draw_page("olaf", "run"))
    closed = ClosedRequest("req-0", "", "2026-01-01T00:00:00Z", "run-0", 1, 1, 5, "digest", test_auc_fall=0.012)
    write_json(desk.workspace.layout.closed("req-0"), closed)
    assert "Since the first adapter, one deletion lowered the test AUC by 0.012;" in text_of(draw_page("olaf", "run"))


def link_labels(app: AppTest) -> set[str]:
    return {one.proto.label for one in app.get("page_link")}
