"""The run under review is chosen on the page; the dialog names it, and asks for reason and confirmation."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.review.batches import open_batch
from core.runs.requests import open_request
from core.runs.submit import create_run
from core.types import CaseState, Verdict
from core.utils.serialization import write_json
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import escape
from dashboard.services import review
from dashboard.services.cli_client import CommandError
from tests.dashboard.test_review import button_keys, decide_on_page, draw_page, text_of  # noqa: F401 - a fixture
from tests.review.conftest import desk, verified  # noqa: F401 - fixtures
from tests.review.test_execution import copy_run


def test_older_verified_run_is_chosen_on_the_page_and_submitted(draw_page, desk):  # noqa: F811
    newer = copy_run(desk, "run-zzz", desk.request)
    (newer.path / "verification.json").unlink()
    app = draw_page("olaf", request=desk.request)
    box = app.selectbox(key="pick_review_run")
    verdicts = {label.split(" · ")[1] for label in box.options}  # before the method, which a phone may cut
    assert verdicts == {"Not verified", "Inconclusive"} and len(box.options) == 2
    box.set_value(desk.run).run()
    assert app.query_params["run"] == desk.run and "submit" in button_keys(app)
    app.button(key="submit").click().run()
    assert desk.case.run == desk.run and "pick_review_run" not in {one.key for one in app.selectbox}


def test_review_opens_at_the_request_of_the_chosen_run(draw_page, desk):  # noqa: F811
    user = desk.workspace.user_split.training_users[-1]
    other = replace(
        desk.workspace.request(desk.request), id="req-other", users=(user,), created="2020-01-01T00:00:00+00:00"
    )
    write_json(desk.workspace.layout.request(other.id), other)
    assert draw_page("olaf").selectbox(key="pick_request").value == other.id  # the earliest due date
    assert draw_page("olaf", run=desk.run).selectbox(key="pick_request").value == desk.request


@pytest.mark.parametrize("button", ["approve", "reject"])
def test_dialog_names_the_case_and_waits_for_reason_and_confirmation(draw_page, desk, button):  # noqa: F811
    """The run is inconclusive, so both decisions need a reason."""
    desk.submit()
    app = draw_page("petra", request=desk.request)

    def opened() -> AppTest:
        return app.button(key=button).click().run()

    subject = f"Request `{desk.request}`, run `{desk.run}`, method “Uniform”. Verdict: **Inconclusive**."
    assert subject in text_of(opened())
    app.checkbox(key="decision_understood").check()
    assert opened().button(key="decide_now").disabled  # no reason yet
    app.text_area(key="decision_reason").set_value("  ")
    assert opened().button(key="decide_now").disabled
    app.text_area(key="decision_reason").set_value("The rest is proven.")
    assert not opened().button(key="decide_now").disabled
    app.checkbox(key="decision_understood").uncheck()
    assert opened().button(key="decide_now").disabled


def test_approval_of_a_passed_run_needs_no_reason(draw_page, desk):  # noqa: F811
    desk.judge(Verdict.PASS)
    desk.submit()
    app = draw_page("petra", request=desk.request)
    app.button(key="approve").click().run()
    app.checkbox(key="decision_understood").check()
    assert not app.button(key="approve").click().run().button(key="decide_now").disabled


def test_failed_run_is_offered_for_rejection_only(draw_page, desk):  # noqa: F811
    desk.judge(Verdict.FAIL, next_steps=("another_method",))
    text = text_of(draw_page("paul", request=desk.request))
    assert t("review-submit-failed-means") in text and t("review-submit-means") not in text
    desk.submit()
    app = draw_page("petra", request=desk.request)
    assert button_keys(app) & {"approve", "reject"} == {"reject"}
    assert [one.value for one in app.warning if "failed its verification" in one.value]


def test_person_who_approved_is_offered_no_second_approval_but_told_why(draw_page, desk):  # noqa: F811
    desk.submit()
    desk.decide("petra")
    app = draw_page("petra", request=desk.request)
    assert button_keys(app) & {"approve", "reject"} == {"reject"}
    today = desk.case.decisions[0].time[:10]
    assert [one.value for one in app.info] == [
        escape(f"Person 'petra' approved on {today} already: a second person must approve.")
    ]
    for second in ("owen", "paul"):
        app = draw_page(second, request=desk.request)
        assert button_keys(app) & {"approve", "reject"} == {"approve", "reject"} and not app.info


def test_second_approval_of_the_same_person_is_refused_in_one_sentence(draw_page, desk):  # noqa: F811
    """As from a dialog that is still open in another window."""
    desk.submit()
    draw_page("petra")
    assert review.decide(desk.case, True, "The rest is proven.") is CaseState.PENDING
    with pytest.raises(CommandError, match="approved on .* already: a second person must approve") as refused:
        review.decide(desk.case, True, "The rest is proven.")
    assert str(refused.value).count(".") == 1
    assert len(desk.case.decisions) == 1 and desk.case.state is CaseState.PENDING


def test_whoever_submitted_the_run_is_offered_no_decision_but_told_why(draw_page, desk):  # noqa: F811
    desk.submit("paul")
    app = draw_page("paul", request=desk.request)
    assert not button_keys(app) & {"approve", "reject"}
    assert [one.value for one in app.info] == [escape("Person 'paul' submitted the run: somebody else has to decide.")]


def test_batch_is_dissolved_on_the_page_by_a_person_who_may_open_requests(draw_page, desk):  # noqa: F811
    users = desk.workspace.user_split.training_users[-2:]
    members = [open_request(desk.workspace, users=(user,)).id for user in users]
    batch = open_batch(desk.workspace, members, "batch-2026-11")
    assert "dissolve_batch" not in button_keys(draw_page("anna", request=batch.id))
    assert "dissolve_batch" not in button_keys(draw_page("rita", request=members[0]))
    run = create_run(desk.workspace, batch.id, "finetune", "cpu", launched_by="olaf")
    assert "dissolve_batch" not in button_keys(draw_page("rita", request=batch.id))
    run.request_cancel()
    app = draw_page("rita", request=batch.id)
    app.button(key="dissolve_batch").click().run()
    assert not app.exception and app.query_params["request"] == members[0]
    assert {one.id for one in desk.workspace.requests()} >= {*members}
    assert not desk.workspace.layout.request(batch.id).exists()
    assert "in batch" not in text_of(draw_page("rita", request=members[0]))


def test_approval_while_a_run_waits_is_refused_and_not_recorded(draw_page, desk):  # noqa: F811
    desk.submit()
    desk.decide("petra")
    run = create_run(desk.workspace, desk.request, "finetune", "cpu")
    app = decide_on_page(draw_page("owen", request=desk.request), "approve")
    assert escape(run.id) in app.error[0].value and "cancel it" in app.error[0].value
    assert len(desk.case.decisions) == 1
    assert "go_on" not in button_keys(draw_page("owen", request=desk.request))


def test_waiting_approval_is_withdrawn_on_the_page(draw_page, desk):  # noqa: F811
    desk.approve()
    assert "withdraw" not in button_keys(draw_page("anna"))
    app = draw_page("petra")
    assert "0 of 6 steps are done. Nothing is destroyed yet" in app.warning[0].value.replace("\u2068", "")
    app.button(key="withdraw").click().run()
    assert desk.case.state is CaseState.PENDING and not desk.case.decisions and not app.warning
    assert "nothing was destroyed" in app.success[0].value
    assert "petra withdrew the approval" in text_of(app)
