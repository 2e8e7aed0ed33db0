"""Four eyes: who may do what, what voids a decision, and when a request is decided."""

import re
import shlex
from dataclasses import replace
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.errors import ReviewError
from core.review import permissions
from core.review.decisions import _check_reason, changed, comment, submit
from core.review.permissions import check_operators, may, require
from core.runs.handle import RunHandle
from core.types import Action, CaseState, Interaction, Item, Role, Verdict
from core.utils.serialization import write_json
from core.workspace import Workspace
from tests.review.conftest import PEOPLE

# Written out by hand, so that a slip in the table is seen.
MATRIX = {
    "requester": {Action.READ, Action.OPEN, Action.COMMENT},
    "operator": {Action.READ, Action.OPEN, Action.RUN, Action.SUBMIT, Action.COMMENT},
    "privacy_officer": {Action.READ, Action.OPEN, Action.COMMENT, Action.DECIDE},
    "product_owner": {Action.READ, Action.COMMENT, Action.DECIDE},
    "auditor": {Action.READ},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("act", list(Action))
def test_the_role_matrix(desk, role, act):
    write_json(desk.workspace.root / "workspace.json", replace(desk.workspace.settings, people={"x": (role,)}))
    place = Workspace(desk.workspace.root)
    assert permissions.may(place, "x", act) is (act in MATRIX[role])
    if act not in MATRIX[role]:
        with pytest.raises(ReviewError, match="'x' may not"):
            permissions.require(place, "x", act)


def test_nobody_is_anybody_without_a_role(desk):
    with pytest.raises(ReviewError, match="'mallory' has no role"):
        permissions.require(desk.workspace, "mallory", Action.READ)
    with pytest.raises(ReviewError, match="'' has no role"):
        desk.submit("")


@pytest.mark.parametrize("person", sorted(set(PEOPLE) - {"olaf", "paul"}))
def test_only_operators_submit(desk, person):
    with pytest.raises(ReviewError, match="may not submit"):
        desk.submit(person)
    assert desk.case is None


def test_who_asks_for_a_deletion_does_not_carry_it_through(desk):
    path = desk.workspace.root / f"requests/{desk.request}.json"
    write_json(path, replace(desk.workspace.request(desk.request), opened_by="olaf"))
    for person in ("olaf", "paul"):  # olaf launched the run
        with pytest.raises(ReviewError, match="'olaf' opened the request: somebody else has to launch the run"):
            desk.submit(person)
    told = desk.invoke("run", "-r", desk.request, "--as", "olaf")  # and is told before the work
    assert (
        "somebody else has to launch" in str(told.exception)
        and len(list((desk.workspace.root / "runs").glob("run-*"))) == 1
    )


@pytest.mark.parametrize("person", ["rita", "olaf", "anna"])
def test_only_those_who_decide_decide(desk, person):
    desk.submit()
    with pytest.raises(ReviewError, match="may not decide"):
        desk.decide(person)


def test_both_roles_have_to_agree_and_nobody_twice(desk):
    desk.submit()
    assert desk.decide("petra").state is CaseState.PENDING
    with pytest.raises(ReviewError, match="decided already"):
        desk.decide("petra")
    assert desk.decide("paul").state is CaseState.APPROVED
    assert [one.role for one in desk.case.decisions] == [Role.PRIVACY_OFFICER, Role.PRODUCT_OWNER]


def test_one_refusal_is_enough(desk):
    desk.submit()
    desk.decide("petra")
    assert desk.decide("owen", approve=False).state is CaseState.REJECTED
    with pytest.raises(ReviewError, match="rejected: there is nothing to decide"):
        desk.decide("paul")


@pytest.mark.parametrize("person", ["pia", "petra"])
def test_whoever_may_decide_may_refuse_also_where_their_role_has_agreed(desk, person):
    settings = desk.workspace.settings
    people = {**settings.people, "pia": ("privacy_officer",)}
    write_json(desk.workspace.root / "workspace.json", replace(settings, people=people))
    desk.workspace = Workspace(desk.workspace.root)
    desk.submit()
    desk.decide("petra")
    assert desk.decide(person, approve=False).state is CaseState.REJECTED


@pytest.mark.parametrize("how", ["requester", "submitter", "launcher"])
def test_nobody_decides_on_what_is_their_own(desk, how):
    root = desk.workspace.root
    if how == "requester":
        write_json(
            root / f"requests/{desk.request}.json", replace(desk.workspace.request(desk.request), opened_by="paul")
        )
    if how == "launcher":
        folder = RunHandle(root / "runs" / desk.run)
        folder.write_spec(replace(folder.spec, launched_by="paul"))
    desk.submit("paul" if how == "submitter" else "olaf")
    with pytest.raises(ReviewError, match="somebody else has to decide"):
        desk.decide("paul")


@pytest.mark.parametrize(
    "name", ["verification.json", "evaluation.json", "adapter/adapter_model.safetensors", "report.html", "spec.json"]
)
def test_changed_evidence_voids_a_decision(desk, name):
    desk.submit()
    desk.decide("petra")
    path = desk.workspace.root / "runs" / desk.run / name
    content = path.read_bytes()
    path.write_bytes(content + b" ")
    assert changed(desk.workspace, desk.case)
    with pytest.raises(ReviewError, match="The evidence is not what you decided on"):
        desk.decide("owen")
    path.write_bytes(content)
    assert not changed(desk.workspace, desk.case) and desk.decide("owen").state is CaseState.APPROVED


def test_what_was_changed_is_rejected_and_nobody_submits_it_again(desk):
    desk.submit()
    (desk.workspace.root / "runs" / desk.run / "report.html").write_text("other")
    assert desk.decide("petra", approve=False).state is CaseState.REJECTED
    with pytest.raises(ReviewError, match="launch a new one"):
        desk.submit()


def test_a_decision_on_what_somebody_else_saw_is_refused(desk):
    from core.review.decisions import decide

    desk.submit()
    with pytest.raises(ReviewError, match="not what you decided on"):
        decide(desk.workspace, desk.request, "petra", True, "0" * 64, "fine")


def test_what_is_not_proven_needs_a_reason(desk):
    folder = RunHandle(desk.workspace.root / "runs" / desk.run)
    assert folder.verification.verdict is Verdict.INCONCLUSIVE
    desk.submit()
    with pytest.raises(ReviewError, match="give the reason"):
        desk.decide("petra", reason="  ")


def test_nobody_works_under_the_id_of_somebody_whose_data_is_here(desk):
    user = desk.workspace.user_split.members[0]
    write_json(
        desk.workspace.root / "workspace.json", replace(desk.workspace.settings, people=PEOPLE | {user: ("operator",)})
    )
    with pytest.raises(ReviewError, match="work under another name"):
        submit(Workspace(desk.workspace.root), desk.run, user)


@pytest.mark.parametrize("reason", ["Ticket 396", "396", "Person 396 wrote twice.", "They rated the bell of valdoria."])
def test_numbers_that_are_people_and_titles_in_other_letters_are_names_too(reason):
    place = SimpleNamespace(
        interactions=[Interaction("396", "7", True, 1)], items={"7": Item("7", "The Bell of Valdoria (1995)")}
    )
    with pytest.raises(ReviewError, match="names a user or a title"):
        _check_reason(place, reason)
    _check_reason(place, "They wrote 397 letters about a bell.")


@pytest.mark.parametrize("what", ["somebody of the request", "somebody else", "a title"])
def test_a_reason_stays_for_good_and_so_names_nobody(desk, what):
    place = desk.workspace
    request = place.request(desk.request)
    other = next(one.user for one in place.interactions if one.user not in request.users)
    title = next(one.title for one in place.items.values() if len(one.title) >= 8)
    named = {"somebody of the request": request.users[0], "somebody else": other, "a title": title}[what]
    desk.submit()
    with pytest.raises(ReviewError, match="names a user or a title"):
        desk.decide("petra", reason=f"So wrote {named} to us.")
    assert desk.case.decisions == ()
    assert desk.decide("petra", reason="So they wrote to us.").decisions


def test_what_failed_cannot_be_approved(desk):
    folder = RunHandle(desk.workspace.root / "runs" / desk.run)
    folder.write_verification(replace(folder.verification, verdict=Verdict.FAIL))
    desk.submit()
    with pytest.raises(ReviewError, match="failed its verification"):
        desk.decide("petra")
    assert desk.decide("petra", approve=False, reason="").state is CaseState.REJECTED


def test_a_run_is_submitted_once(desk):
    desk.submit()
    with pytest.raises(ReviewError, match="under review already"):
        desk.submit()


def test_a_run_that_nobody_verified_is_not_submitted(desk):
    (desk.workspace.root / "runs" / desk.run / "verification.json").unlink()
    with pytest.raises(ReviewError, match="was not verified"):
        desk.submit()


def test_without_a_ledger_nothing_is_submitted(desk):
    desk.workspace.layout.ledger_key.unlink()
    with pytest.raises(ReviewError, match="No ledger is kept here"):
        desk.submit()


def test_the_commands_in_refusals_run(desk):
    write_json(desk.workspace.layout.settings, replace(desk.workspace.settings, people={}))
    desk.workspace = Workspace(desk.workspace.root)
    desk.workspace.layout.ledger_key.unlink()
    desk.workspace.layout.ledger.unlink()
    with pytest.raises(ReviewError) as refusal:
        desk.submit("")
    assert printed_command(refusal.value).exit_code == 0 and desk.workspace.keeps_ledger
    verification = RunHandle(desk.workspace.layout.run(desk.run).path).layout.verification
    verification.unlink()
    with pytest.raises(ReviewError) as refusal:
        desk.submit("")
    assert printed_command(refusal.value).exit_code in (0, 1) and verification.is_file()  # 1: not every check passes


def printed_command(error: ReviewError):
    """Run the command that a message prints between backticks."""
    python, option, package, *arguments = shlex.split(re.search("`(.+)`", str(error)).group(1))
    assert (python, option, package) == ("python", "-m", "core")
    return CliRunner().invoke(app, arguments)


def test_a_single_person_does_everything_and_it_is_said(desk):
    write_json(desk.workspace.root / "workspace.json", replace(desk.workspace.settings, people={}))
    place = Workspace(desk.workspace.root)
    assert not permissions.four_eyes(place)
    submit(place, desk.run, "")
    desk.workspace = place
    assert desk.decide("").state is CaseState.APPROVED


def test_comments_are_said_by_those_who_may(desk):
    desk.submit()
    comment(desk.workspace, desk.request, "rita", "When?")
    with pytest.raises(ReviewError, match="may not comment"):
        comment(desk.workspace, desk.request, "anna", "I only read.")
    with pytest.raises(ReviewError, match="empty"):
        comment(desk.workspace, desk.request, "owen", " ")
    assert [one.text for one in desk.case.comments] == ["When?"]


def test_permission_checks_read_no_interactions(desk, monkeypatch):
    def unread(self):
        raise AssertionError("interactions were read")

    monkeypatch.setattr(Workspace, "interactions", property(unread))
    workspace = Workspace(desk.workspace.root)
    for act in Action:
        assert may(workspace, "olaf", act) is (
            act in (Action.READ, Action.OPEN, Action.RUN, Action.SUBMIT, Action.COMMENT)
        )
    require(workspace, "olaf", Action.RUN)
    check_operators(workspace, desk.request, "olaf")
    with pytest.raises(ReviewError, match="also a user of this workspace"):
        require(workspace, workspace.user_split.holdout[0], Action.READ)
