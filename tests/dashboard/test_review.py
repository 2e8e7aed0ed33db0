"""The review desk: what each role sees and can do there, and that the page itself never signs or destroys."""

import shutil
from dataclasses import replace

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.errors import ReviewError
from core.review import execution
from core.review.decisions import comment
from core.review.ledger_entries import NOT_REACHED
from core.runs.submit import create_run
from core.types import CaseState, Verdict
from core.types.review import EXECUTION_STEPS
from core.utils.serialization import write_json
from dashboard.components.decision import LEFT
from dashboard.services import commands, queries
from dashboard.services import review as asked_of_core
from dashboard.session import auth
from tests.dashboard.conftest import ROOT, opened
from tests.review.conftest import PEOPLE, Desk, desk, verified  # noqa: F401 - fixtures

# What a role can press, before and after a run was submitted.
BEFORE = {"olaf": {"submit"}, "paul": {"submit"}}
AFTER = {"petra": {"approve", "reject"}, "owen": {"approve", "reject"}, "paul": {"approve", "reject"}}
ACTS = {"submit", "approve", "reject"}
RUNS = {"stop", "resume", "give_up", "measure", "verify"}


@pytest.fixture
def draw(desk: Desk, monkeypatch):  # noqa: F811
    """`draw(person, name="review", **query)`: a page as somebody sees it."""
    monkeypatch.setenv("CURE_LENS_WORKSPACE", str(desk.workspace.root))
    monkeypatch.chdir(ROOT)
    st.cache_resource.clear()
    st.cache_data.clear()

    def drawn(who: str, name: str = "review", **query: str) -> AppTest:
        for module in (asked_of_core, auth, commands):
            monkeypatch.setattr(module, "signed_in_email", lambda: who)
        for module in (asked_of_core, auth):
            monkeypatch.setattr(module, "login_is_recent", lambda: True)
        return opened(name, query)

    return drawn


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button if button.key}


def text(app: AppTest) -> str:
    return "\n".join(str(one.value) for kind in ("title", "markdown", "caption", "subheader") for one in app.get(kind))


@pytest.mark.parametrize("name", ["overview", "request", "run", "before_after", "review", "report"])
def test_nobody_without_a_role_looks_inside(draw, desk, name):  # noqa: F811
    for who in ("", "mallory"):
        app = draw(who, name)
        assert app.title[0].value == "Log in to look inside." and not app.button
        assert not any(user in text(app) for user in desk.workspace.user_split.members)


@pytest.mark.parametrize("who", PEOPLE)
def test_runs_are_the_operators_business_on_every_page(draw, desk, who):  # noqa: F811
    """Each way to start, stop or check one is offered to operators alone, and refused to others in core."""
    run = create_run(desk.workspace, desk.request, "finetune", "cpu", launched_by="olaf")
    (desk.workspace.root / "runs" / desk.run / "verification.json").unlink()
    seen = keys(draw(who, "run", run=run.id)) | keys(draw(who, "before_after", run=desk.run)) | keys(draw(who))
    run.store.refuse(run.id, "no")
    seen |= keys(draw(who, "run", run=run.id))
    assert seen & RUNS == (RUNS if "operator" in PEOPLE[who] else set())
    if "operator" not in PEOPLE[who]:
        for act in (
            commands.stop,
            commands.resume,
            commands.measure_overlaps,
            lambda one: asked_of_core.verify(one, False),
        ):
            with pytest.raises(ReviewError, match="may not run"):
                act(run)


def test_what_broke_off_is_said_and_gone_on_with(draw, desk, monkeypatch):  # noqa: F811
    desk.approve()
    with monkeypatch.context() as patch:
        patch.setattr(execution, "STEPS", (*execution.STEPS[:4], killed, *execution.STEPS[5:]))
        with pytest.raises(KeyboardInterrupt):
            execution.settle(desk.workspace)
    app = draw("anna")
    assert "4 of 6 steps are done" in app.warning[0].value and "go_on" not in keys(app)
    assert "Carried out" not in [one.value for one in app.subheader]
    with pytest.raises(queries.CommandError, match="nothing was searched for"):
        asked_of_core.look_again(desk.request)
    app = draw("petra")
    app.button(key="go_on").click().run()
    assert desk.case.state is CaseState.CLOSED and not app.warning
    assert "Carried out" in [one.value for one in app.subheader]


def test_a_link_for_reading_shows_everything_and_offers_nothing(draw, desk):  # noqa: F811
    assert {"submit", "verify"} <= keys(draw("olaf", request=desk.request))
    assert not keys(draw("olaf", request=desk.request, read="1")) & {"submit", "verify"}
    desk.submit()
    comment(desk.workspace, desk.request, "olaf", "Look at V3.")
    for name in ("petra", "olaf"):
        app = draw(name, request=desk.request, read="1")
        assert not keys(app) & {"approve", "reject", "verify", "go_on", "log_in", "submit"}
        assert not app.text_area and "Look at V3." in [one.value for one in app.text]
    desk.decide("petra")
    desk.decide("owen")
    execution.settle(desk.workspace)
    app = draw("petra", request=desk.request, read="1")
    assert "Carried out" in text(app) and "look_again" not in keys(app)


def test_an_operator_asks_again_and_for_everything_until_it_is_submitted(draw, desk, monkeypatch):  # noqa: F811
    said = []
    app = draw("olaf", request=desk.request)
    with monkeypatch.context() as patch:
        patch.setattr(asked_of_core, "run_command", lambda *words, **_: said.append(words) or [])
        app.checkbox(key="verify_full").check().run()
        app.button(key="verify").click().run()
    assert "--full" in next(words for words in said if words[0] == "verify")
    desk.submit()
    assert "verify" not in keys(draw("olaf", request=desk.request))


def test_models_and_lists_in_memory_go_with_what_they_are_of(draw, desk):  # noqa: F811
    desk.submit()
    desk.decide("owen")
    draw("petra")
    kept = st.cache_resource(lambda: object())
    before = kept()
    assert kept() is before
    assert asked_of_core.decide(desk.case, True, "It will do.") is CaseState.CLOSED and kept() is not before


def killed(one):
    raise KeyboardInterrupt


def test_the_steps_that_the_page_counts_are_those_there_are():
    assert tuple(step.__name__ for step in execution.STEPS) == EXECUTION_STEPS


def test_the_dialog_names_as_much_out_of_reach_as_the_record():
    assert len(LEFT) == len(NOT_REACHED)


@pytest.mark.parametrize("who", ["", *PEOPLE])
def test_a_role_sees_the_buttons_that_it_may_press(draw, desk, who):  # noqa: F811
    assert keys(draw(who)) & ACTS == BEFORE.get(who, set())
    desk.submit()
    app = draw(who)
    assert keys(app) & ACTS == AFTER.get(who, set())
    assert bool(app.text_area) is (who not in ("", "anna"))  # room for a comment
    assert keys(draw(who, read="1")) & ACTS == set()  # the link to read


def test_the_page_leads_from_the_question_to_what_happened(draw, desk):  # noqa: F811
    desk.submit()
    app = draw("petra")
    heads = [one.value for one in app.subheader]
    assert heads == ["The request", "The evidence", "The decision", "Comments", "History"]
    told = text(app)
    assert "waits for a decision" in app.title[0].value and "You are petra: privacy officer" in told
    for user in desk.workspace.request(desk.request).users:
        assert user in told
    assert "Inconclusive" in told and "To be answered by" in told
    assert "finished and was entered" in told and "was verified" in told


@pytest.mark.parametrize("verdict", list(Verdict))
def test_each_verdict_is_a_word_and_a_sentence(draw, desk, verdict):  # noqa: F811
    from core.runs.handle import RunHandle

    folder = RunHandle(desk.workspace.root / "runs" / desk.run)
    folder.write_verification(replace(folder.verification, verdict=verdict))
    told = text(draw("petra"))
    assert {Verdict.PASS: "Every check passed", Verdict.FAIL: "cannot be approved"}.get(
        verdict, "do not suffice"
    ) in told


def test_what_was_changed_can_only_be_rejected(draw, desk):  # noqa: F811
    desk.submit()
    (desk.workspace.root / "runs" / desk.run / "report.html").write_text("other")
    app = draw("petra")
    assert keys(app) & ACTS == {"reject"} and "changed since it was submitted" in app.warning[0].value


def test_what_people_write_is_text(draw, desk):  # noqa: F811
    desk.submit()
    comment(desk.workspace, desk.request, "rita", "![x](http://evil.example/x.png) <img src=x>")
    app = draw("petra")
    assert "![x](http://evil.example/x.png) <img src=x>" in [one.value for one in app.text]
    assert "evil.example" not in text(app)


def test_deciding_and_what_is_left_of_it(draw, desk):  # noqa: F811
    desk.submit()
    draw("petra")
    assert asked_of_core.decide(desk.case, True, "The rest is proven.") is CaseState.PENDING
    assert "petra (privacy officer) approved" in text(draw("owen"))
    assert asked_of_core.decide(desk.case, True, "The rest is proven.") is CaseState.CLOSED
    app = draw("anna")
    told = text(app)
    assert "one was carried out" in app.title[0].value and "was destroyed" in told and keys(app) & ACTS == set()
    assert [one.value for one in app.subheader] == ["Carried out", "History"]
    app.button(key="look_again").click().run()
    assert "No file of the workspace" in app.success[0].value


def test_an_old_login_decides_nothing(draw, desk, monkeypatch):  # noqa: F811
    desk.submit()
    draw("petra")
    monkeypatch.setattr(asked_of_core, "login_is_recent", lambda: False)
    with pytest.raises(ReviewError, match="log in again"):
        asked_of_core.decide(desk.case, True, "fine")
    assert desk.case.decisions == ()


def test_a_refusal_of_core_is_one_sentence(draw, desk):  # noqa: F811
    desk.submit()
    draw("petra")
    with pytest.raises(queries.CommandError, match="give the reason"):
        asked_of_core.decide(desk.case, True, "")


@pytest.mark.parametrize("who", ["anna", "owen"])
def test_other_pages_hold_to_the_roles_too(draw, desk, who):  # noqa: F811
    draw(who, "request")
    with pytest.raises(ReviewError, match="may not open"):
        commands.open_request(desk.workspace.user_split.members[:1], (), "")
    with pytest.raises(ReviewError, match="may not run"):
        commands.launch(desk.request, "graddiff", "cpu", 0)


def test_a_single_person_is_told_that_it_is_no_four_eyes(draw, desk):  # noqa: F811
    write_json(desk.workspace.root / "workspace.json", replace(desk.workspace.settings, people={}))
    assert "it is not a four-eyes review" in text(draw(""))


def test_without_a_ledger_one_is_offered(draw, desk):  # noqa: F811
    for name in ("ledger.jsonl", "ledger.pub"):
        (desk.workspace.root / name).unlink()
    app = draw("olaf")
    assert "make_ledger" in keys(app)
    shutil.rmtree(desk.workspace.root.parent / "keys")
    app.button(key="make_ledger").click().run()
    assert desk.workspace.layout.ledger_key.is_file() and "submit" in keys(app)
