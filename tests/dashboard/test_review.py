"""The review page: what each role sees and may do, and refusals of actions without permission."""

import shutil
import subprocess
from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.errors import CureLensError, ReviewError
from core.report.check_texts import render
from core.review import execution, permissions
from core.review.decisions import comment
from core.review.ledger_entries import NOT_REACHED
from core.runs.submit import create_run
from core.types import CaseState, Verdict
from core.types.review import EXECUTION_STEPS
from core.utils.serialization import write_json
from dashboard.components.decision import LEFT
from dashboard.presenters.phrases import escape
from dashboard.services import commands, queries
from dashboard.services import review as review_service
from dashboard.services.cli_client import CommandError
from dashboard.session import auth
from tests.dashboard.conftest import ROOT, open_page
from tests.review.conftest import PEOPLE, Desk, desk, verified  # noqa: F401 - fixtures

# Buttons of each person, before and after a run is submitted.
BEFORE_SUBMISSION = {"olaf": {"submit"}, "paul": {"submit"}}
AFTER_SUBMISSION = {"petra": {"approve", "reject"}, "owen": {"approve", "reject"}, "paul": {"approve", "reject"}}
DECISION_BUTTONS = {"submit", "approve", "reject"}
RUN_BUTTONS = {"stop", "resume", "give_up", "measure", "verify"}


@pytest.fixture
def draw_page(desk: Desk, monkeypatch):  # noqa: F811
    """Function that draws a page as a person sees it: `draw_page(person, name="review", **query)`."""
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(desk.workspace.root))
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    st.cache_data.clear()

    def draw_as(who: str, name: str = "review", **query: str) -> AppTest:
        for module in (review_service, auth, commands):
            monkeypatch.setattr(module, "signed_in_email", lambda: who)
        for module in (review_service, auth):
            monkeypatch.setattr(module, "login_is_recent", lambda: True)
        return open_page(name, query)

    return draw_as


def button_keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def text_of(app: AppTest) -> str:
    return "\n".join(str(one.value) for kind in ("title", "markdown", "caption", "subheader") for one in app.get(kind))


@pytest.mark.parametrize("name", ["overview", "request", "run", "before_after", "review", "report"])
def test_person_without_role_has_no_access(draw_page, desk, name):  # noqa: F811
    for who in ("", "mallory"):
        app = draw_page(who, name)
        assert app.title[0].value == "Log in to look inside." and not app.button
        assert not any(user in text_of(app) for user in desk.workspace.user_split.training_users)


@pytest.mark.parametrize("who", PEOPLE)
def test_only_operators_start_stop_or_verify_runs(draw_page, desk, who):  # noqa: F811
    """Only operators are offered buttons that start, stop or verify runs; core refuses all others."""
    run = create_run(desk.workspace, desk.request, "finetune", "cpu", launched_by="olaf")
    (desk.workspace.root / "runs" / desk.run / "verification.json").unlink()
    offered = (
        button_keys(draw_page(who, "run", run=run.id))
        | button_keys(draw_page(who, "before_after", run=desk.run))
        | button_keys(draw_page(who))
    )
    run.store.fail_queued(run.id, "no")
    offered |= button_keys(draw_page(who, "run", run=run.id))
    assert offered & RUN_BUTTONS == (RUN_BUTTONS if "operator" in PEOPLE[who] else set())
    if "operator" not in PEOPLE[who]:
        for command in (
            commands.stop,
            commands.resume,
            commands.measure_overlaps,
            lambda one: review_service.verify(one, False),
        ):
            with pytest.raises(CureLensError, match="may not run"):
                command(run)


def test_interrupted_execution_is_shown_and_continued(draw_page, desk, monkeypatch):  # noqa: F811
    desk.approve()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:4], interrupted_step, *execution.STEPS[5:]))
        with pytest.raises(KeyboardInterrupt):
            execution.execute_decisions(desk.workspace)
    app = draw_page("anna")
    assert "4 of 6 steps are done" in app.warning[0].value and "go_on" not in button_keys(app)
    assert "Carried out" not in [one.value for one in app.subheader]
    with pytest.raises(queries.CommandError, match="nothing was searched for"):
        review_service.repeat_audit(desk.request)
    app = draw_page("petra")
    app.button(key="go_on").click().run()
    assert desk.case.state is CaseState.CLOSED and not app.warning
    assert "Carried out" in [one.value for one in app.subheader]


def test_read_only_link_shows_all_and_offers_no_buttons(draw_page, desk):  # noqa: F811
    assert {"submit", "verify"} <= button_keys(draw_page("olaf", request=desk.request))
    assert not button_keys(draw_page("olaf", request=desk.request, read="1")) & {"submit", "verify"}
    desk.submit()
    comment(desk.workspace, desk.request, "olaf", "Look at V3.")
    for name in ("petra", "olaf"):
        app = draw_page(name, request=desk.request, read="1")
        assert not button_keys(app) & {"approve", "reject", "verify", "go_on", "log_in", "submit"}
        assert not app.text_area and "Look at V3." in [one.value for one in app.text]
    desk.decide("petra")
    desk.decide("owen")
    execution.execute_decisions(desk.workspace)
    app = draw_page("petra", request=desk.request, read="1")
    assert "Carried out" in text_of(app) and "repeat_audit" not in button_keys(app)


def test_operator_verifies_in_full_until_submission(draw_page, desk, monkeypatch):  # noqa: F811
    commands_run = []
    app = draw_page("olaf", request=desk.request)
    with monkeypatch.context() as patch:
        patch.setattr(review_service, "run_command", lambda *words, **_: commands_run.append(words) or [])
        app.checkbox(key="verify_full").check().run()
        app.button(key="verify").click().run()
    assert "--full" in next(words for words in commands_run if words[0] == "verify")
    desk.submit()
    assert "verify" not in button_keys(draw_page("olaf", request=desk.request))


def test_decision_clears_cached_models_and_lists(draw_page, desk):  # noqa: F811
    desk.submit()
    desk.decide("owen")
    draw_page("petra")
    cached = st.cache_resource(lambda: object())
    before = cached()
    assert cached() is before
    assert review_service.decide(desk.case, True, "It will do.") is CaseState.CLOSED and cached() is not before


def interrupted_step(one):
    raise KeyboardInterrupt


def test_page_counts_all_steps_of_execution():
    assert tuple(step.__name__ for step in execution.STEPS) == EXECUTION_STEPS


def test_dialog_lists_as_many_remaining_copies_as_the_record():
    assert len(LEFT) == len(NOT_REACHED)


@pytest.mark.parametrize("who", ["", *PEOPLE])
def test_person_sees_only_permitted_buttons(draw_page, desk, who):  # noqa: F811
    assert button_keys(draw_page(who)) & DECISION_BUTTONS == BEFORE_SUBMISSION.get(who, set())
    desk.submit()
    app = draw_page(who)
    assert button_keys(app) & DECISION_BUTTONS == AFTER_SUBMISSION.get(who, set())
    assert bool(app.text_area) is (who not in ("", "anna"))  # field for a comment
    assert button_keys(draw_page(who, read="1")) & DECISION_BUTTONS == set()  # the read-only link


def test_page_shows_request_evidence_decision_and_history(draw_page, desk):  # noqa: F811
    desk.submit()
    app = draw_page("petra")
    headings = [one.value for one in app.subheader]
    questions = ["Is it forgotten?", "Are other users unharmed?", "Do further attacks find it?"]
    assert headings == [*questions, "Comments", "History"]
    shown = text_of(app)
    assert "waits for a decision" in app.title[0].value and "You are petra: privacy officer" in shown
    for user in desk.workspace.request(desk.request).users:
        assert user in shown
    assert "Inconclusive" in shown and "To be answered by" in shown
    assert "finished and was entered" in shown and "was verified" in shown


@pytest.mark.parametrize("verdict", list(Verdict))
def test_page_explains_each_verdict(draw_page, desk, verdict):  # noqa: F811
    from core.runs.handle import RunHandle

    run = RunHandle(desk.workspace.root / "runs" / desk.run)
    reason = {Verdict.FAIL: "still_knows", Verdict.INCONCLUSIVE: "no_power"}.get(verdict, "")
    found = replace(run.verification, verdict=verdict, reason=reason)
    run.write_verification(found)
    assert escape(render(found).sentence) in text_of(draw_page("petra"))


def test_run_changed_after_submission_can_only_be_rejected(draw_page, desk):  # noqa: F811
    desk.submit()
    (desk.workspace.root / "runs" / desk.run / "report.html").write_text("other")
    app = draw_page("petra")
    assert (
        button_keys(app) & DECISION_BUTTONS == {"reject"} and "changed since it was submitted" in app.warning[0].value
    )


def test_comment_is_shown_as_text(draw_page, desk):  # noqa: F811
    desk.submit()
    comment(desk.workspace, desk.request, "rita", "![x](http://evil.example/x.png) <img src=x>")
    app = draw_page("petra")
    assert "![x](http://evil.example/x.png) <img src=x>" in [one.value for one in app.text]
    assert "evil.example" not in text_of(app)


def test_second_approval_destroys_the_run_and_leaves_its_history(draw_page, desk):  # noqa: F811
    desk.submit()
    draw_page("petra")
    assert review_service.decide(desk.case, True, "The rest is proven.") is CaseState.PENDING
    assert "petra (privacy officer) approved" in text_of(draw_page("owen"))
    assert review_service.decide(desk.case, True, "The rest is proven.") is CaseState.CLOSED
    app = draw_page("anna")
    shown = text_of(app)
    assert (
        app.title[0].value.endswith("carried out.")
        and "was destroyed" in shown
        and button_keys(app) & DECISION_BUTTONS == set()
    )
    assert [one.value for one in app.subheader] == ["Carried out", "History"]
    app.button(key="repeat_audit").click().run()
    assert "No file of the workspace" in app.success[0].value
    (desk.workspace.root / "old.gz").write_bytes(b"\x1f\x8b and more")
    app.button(key="repeat_audit").click().run()
    assert [one.value.replace("\\", "") for one in app.error] == [
        "Not searched, so nobody knows what they hold: `old.gz` (compressed, an archive or a PDF). Move them out of the "
        "workspace."
    ]
    assert not app.success


def decide_on_page(app: AppTest, button: str) -> AppTest:
    """Press approve or reject, and decide in the dialog; AppTest closes it at each run, so that each run opens it."""
    app.button(key=button).click().run()
    app.text_area(key="decision_reason").set_value("The rest is proven.")
    app.checkbox(key="decision_understood").check()
    app.button(key=button).click().run()
    app.button(key="decide_now").click()
    return app.button(key=button).click().run()


def test_page_stays_at_the_decided_request_and_says_what_is_next(draw_page, desk):  # noqa: F811
    """Another open request must not take the place of the one just decided."""
    request = desk.workspace.request(desk.request)
    user = next(one for one in desk.workspace.user_split.training_users if one not in request.users)
    other = replace(request, id="req-zzz", users=(user,))
    write_json(desk.workspace.root / "requests/req-zzz.json", other)
    desk.submit()
    app = decide_on_page(draw_page("petra"), "approve")
    assert app.success[0].value == "Your approval is recorded. Next, another person decides."
    app = decide_on_page(draw_page("owen"), "approve")
    shown = text_of(app)
    assert app.selectbox(key="pick_request").value == desk.request and app.query_params["request"] == desk.request
    assert "the new adapter is in service" in app.success[0].value and "Carried out" in shown
    assert "Save the record below" in shown and "backups of the disk" in shown
    assert "launch a run for the open request" in shown


def test_page_stays_at_the_rejected_request(draw_page, desk):  # noqa: F811
    desk.submit()
    app = decide_on_page(draw_page("petra"), "reject")
    assert "launch another run for this request" in app.success[0].value
    assert app.selectbox(key="pick_request").value == desk.request and "was rejected" in text_of(app)


def test_old_login_cannot_decide(draw_page, desk, monkeypatch):  # noqa: F811
    desk.submit()
    draw_page("petra")
    monkeypatch.setattr(review_service, "login_is_recent", lambda: False)
    with pytest.raises(ReviewError, match="log in again"):
        review_service.decide(desk.case, True, "fine")
    assert desk.case.decisions == ()


def test_refusal_by_core_is_raised_as_its_sentence(draw_page, desk):  # noqa: F811
    desk.submit()
    draw_page("petra")
    with pytest.raises(queries.CommandError, match="give the reason"):
        review_service.decide(desk.case, True, "")


def test_request_that_was_changed_since_its_submission_says_so_where_one_decides(draw_page, desk):  # noqa: F811
    desk.submit()
    request = desk.workspace.request(desk.request)
    write_json(desk.workspace.layout.request(request.id), replace(request, opened_by="mallory"))
    app = draw_page("petra")
    assert not app.exception and "is not signed as it stands" in review_service.refusal(desk.case, approve=True)
    assert not [one for one in app.button if one.key == "approve"]


@pytest.mark.parametrize("who", ["anna", "owen"])
def test_commands_of_other_pages_check_permissions(draw_page, desk, who):  # noqa: F811
    draw_page(who, "request")
    with pytest.raises(CommandError, match="may not open"):
        commands.open_request(desk.workspace.user_split.training_users[:1], (), "")
    with pytest.raises(ReviewError, match="may not run"):
        commands.launch(desk.request, "graddiff", "cpu", 0)


def test_other_accounts_of_the_machine_do_not_see_who_asks_for_deletion(draw_page, desk, monkeypatch):  # noqa: F811
    started, run = [], subprocess.run

    def watched(command, **options):
        started.append(command)
        return run(command, **options)

    draw_page("rita", "request")
    monkeypatch.setattr(subprocess, "run", watched)
    user = desk.workspace.user_split.training_users[0]
    assert commands.open_request((user,), (), "moved away").users == (user,)
    assert len(started) == 1 and not any(user in word or "moved" in word for word in started[0])


def test_workspace_without_people_warns_of_missing_four_eyes(draw_page, desk):  # noqa: F811
    desk.set_people({})
    assert "In real use, two people must approve" in text_of(draw_page(""))


def test_workspace_without_ledger_offers_to_create_one(draw_page, desk):  # noqa: F811
    for name in ("ledger.jsonl", "ledger.pub"):
        (desk.workspace.root / name).unlink()
    app = draw_page("olaf")
    assert "make_ledger" in button_keys(app)
    shutil.rmtree(desk.workspace.root.parent / "keys")
    app.button(key="make_ledger").click().run()
    assert desk.workspace.layout.ledger_key.is_file() and "submit" in button_keys(app)


# ---------------------------------------------------------------- people that one person plays


def play(app: AppTest, person: str) -> AppTest:
    return app.radio(key="play").set_value(person).run()


@pytest.mark.slow
def test_two_people_of_the_demo_carry_a_deletion_out(page) -> None:
    """One person plays all three; each is offered what their role may do, and the second approval deletes."""
    olaf, petra, owen = permissions.DEMO_PEOPLE
    app = page("review", request="req-demo", run="run-forgotten")
    assert "Demo mode: one person plays all roles. In earnest two people must approve." in text_of(app)
    assert not button_keys(play(app, petra)) & DECISION_BUTTONS
    app = play(app, olaf).button(key="submit").click().run()
    assert not button_keys(app) & {"approve", "reject"} and f"You are {escape(olaf)}: operator" in text_of(app)
    app = decide_on_page(play(app, petra), "approve")
    assert "The other is missing: choose **Owen**" in text_of(app)
    assert not button_keys(play(app, "")) & DECISION_BUTTONS
    app = decide_on_page(play(app, owen), "approve")
    assert "the new adapter is in service" in app.success[0].value and not app.error
    shown = text_of(app)
    for person, role in ((petra, "privacy officer"), (owen, "product owner")):
        assert f"{escape(person)} ({role}) approved" in shown


def test_only_the_review_page_acts_as_the_played_person(page) -> None:
    app = play(page("review"), tuple(permissions.DEMO_PEOPLE)[1])
    assert "measure" not in button_keys(app)
    app.switch_page("screens/request.py").run()
    assert not app.exception and not app.error and "You are" not in text_of(app)


@pytest.mark.parametrize("people", [{}, PEOPLE])
def test_nobody_is_played_outside_the_demo_world(draw_page, desk, people, monkeypatch) -> None:  # noqa: F811
    """Not even with the choice of a demo in the session, and with the demo's name and data in the settings."""
    changed = replace(desk.workspace.settings, people=people, data="core.data.world, seed 7", name="demo")
    write_json(desk.workspace.root / "workspace.json", changed)
    monkeypatch.setattr(review_service.state, "kept", lambda key, default: "Owen (demo)")
    app = draw_page("petra")
    assert not app.radio and "(demo)" not in text_of(app)
    assert review_service.acting_person() == "petra" and review_service.playable_people() == ()
