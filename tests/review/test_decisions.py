"""Review decisions: permissions of roles, four-eyes rules, and states of a case."""

import re
import shlex
from dataclasses import replace
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from core.cli.app import app
from core.data.interaction_store import InteractionStore
from core.errors import ReviewError
from core.review import permissions
from core.review.decisions import _check_reason, changed, comment, submit
from core.review.permissions import check_operators, may, require
from core.runs.handle import RunHandle
from core.runs.requests import write_marked
from core.types import Action, CaseState, Interaction, Item, Role, Verdict
from core.workspace import Workspace
from tests.review.conftest import PEOPLE, enter_run, enter_verification

# Written out by hand, independently of the table in core.
MATRIX = {
    "requester": {Action.READ, Action.OPEN, Action.COMMENT},
    "operator": {Action.READ, Action.OPEN, Action.RUN, Action.SUBMIT, Action.COMMENT},
    "privacy_officer": {Action.READ, Action.OPEN, Action.COMMENT, Action.DECIDE},
    "product_owner": {Action.READ, Action.COMMENT, Action.DECIDE},
    "auditor": {Action.READ},
}


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("action", list(Action))
def test_role_permits_exactly_its_actions(desk, role, action):
    desk.set_people({"x": (role,)})
    workspace = desk.workspace
    assert permissions.may(workspace, "x", action) is (action in MATRIX[role])
    if action not in MATRIX[role]:
        with pytest.raises(ReviewError, match="'x' may not"):
            permissions.require(workspace, "x", action)


def test_unknown_or_empty_name_has_no_role(desk):
    with pytest.raises(ReviewError, match="'mallory' has no role"):
        permissions.require(desk.workspace, "mallory", Action.READ)
    with pytest.raises(ReviewError, match="'' has no role"):
        desk.submit("")


@pytest.mark.parametrize("person", sorted(set(PEOPLE) - {"olaf", "paul"}))
def test_non_operator_may_not_submit(desk, person):
    with pytest.raises(ReviewError, match="may not submit"):
        desk.submit(person)
    assert desk.case is None


def test_requester_may_not_launch_or_submit_the_run(desk):
    write_marked(desk.workspace, replace(desk.workspace.request(desk.request), opened_by="olaf"))
    for person in ("olaf", "paul"):  # olaf launched the run
        with pytest.raises(ReviewError, match="'olaf' opened the request: somebody else has to launch the run"):
            desk.submit(person)
    result = desk.invoke("run", "-r", desk.request, "--as", "olaf")  # refused before the run starts
    assert (
        "somebody else has to launch" in str(result.exception)
        and len(list((desk.workspace.root / "runs").glob("run-*"))) == 1
    )


@pytest.mark.parametrize("person", ["rita", "olaf", "anna"])
def test_role_without_decision_right_may_not_decide(desk, person):
    desk.submit()
    with pytest.raises(ReviewError, match="may not decide"):
        desk.decide(person)


def test_approval_needs_both_roles_and_two_people(desk):
    desk.submit()
    assert desk.decide("petra").state is CaseState.PENDING
    with pytest.raises(ReviewError, match=r"'petra' approved on \d{4}-\d\d-\d\d already: a second person must approve"):
        desk.decide("petra")
    assert desk.decide("paul").state is CaseState.APPROVED
    assert [one.role for one in desk.case.decisions] == [Role.PRIVACY_OFFICER, Role.PRODUCT_OWNER]


def test_one_rejection_rejects_the_case(desk):
    desk.submit()
    desk.decide("petra")
    assert desk.decide("owen", approve=False).state is CaseState.REJECTED
    with pytest.raises(ReviewError, match="rejected: there is nothing to decide"):
        desk.decide("paul")


@pytest.mark.parametrize("person", ["pia", "petra"])
def test_decider_may_reject_after_approval_by_the_same_role(desk, person):
    desk.set_people(PEOPLE | {"pia": ("privacy_officer",)})
    desk.submit()
    desk.decide("petra")
    assert desk.decide(person, approve=False).state is CaseState.REJECTED


@pytest.mark.parametrize("own_part", ["requester", "submitter", "launcher"])
def test_requester_submitter_and_launcher_may_not_decide(desk, own_part):
    root = desk.workspace.root
    run = RunHandle(root / "runs" / desk.run)
    if own_part == "requester":
        write_marked(desk.workspace, replace(desk.workspace.request(desk.request), opened_by="paul"))
        enter_run(run)
    if own_part == "launcher":
        run.write_spec(replace(run.spec, launched_by="paul"))
        run = RunHandle(run.path)
        enter_run(run)
        enter_verification(run, run.verification)
    desk.submit("paul" if own_part == "submitter" else "olaf")
    with pytest.raises(ReviewError, match="somebody else has to decide"):
        desk.decide("paul")


@pytest.mark.parametrize(
    "name", ["verification.json", "evaluation.json", "adapter/adapter_model.safetensors", "report.html", "spec.json"]
)
def test_changed_evidence_blocks_a_decision(desk, name):
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


def test_run_with_changed_evidence_cannot_be_resubmitted(desk):
    desk.submit()
    (desk.workspace.root / "runs" / desk.run / "report.html").write_text("other")
    assert desk.decide("petra", approve=False).state is CaseState.REJECTED
    with pytest.raises(ReviewError, match="launch a new one"):
        desk.submit()


def test_decision_on_another_evidence_digest_is_refused(desk):
    from core.review.decisions import decide

    desk.submit()
    with pytest.raises(ReviewError, match="not what you decided on"):
        decide(desk.workspace, desk.request, "petra", True, "0" * 64, "fine")


def test_approval_of_inconclusive_run_needs_a_reason(desk):
    run = RunHandle(desk.workspace.root / "runs" / desk.run)
    assert run.verification.verdict is Verdict.INCONCLUSIVE
    desk.submit()
    with pytest.raises(ReviewError, match="give the reason"):
        desk.decide("petra", reason="  ")


def test_user_id_is_refused_as_name_of_an_operator(desk):
    user = desk.workspace.user_split.training_users[0]
    desk.set_people(PEOPLE | {user: ("operator",)}, signed=False)
    with pytest.raises(ReviewError, match="work under another name"):
        permissions.check_people(desk.workspace)
    with pytest.raises(ReviewError, match="work under another name"):
        submit(Workspace(desk.workspace.root), desk.run, user)


@pytest.mark.parametrize("reason", ["Ticket 396", "396", "Person 396 wrote twice.", "They rated the bell of valdoria."])
def test_numeric_user_id_or_lower_case_title_in_reason_is_refused(reason):
    workspace = SimpleNamespace(
        interactions=InteractionStore.of([Interaction("396", "7", True, 1)]),
        items={"7": Item("7", "The Bell of Valdoria (1995)")},
    )
    with pytest.raises(ReviewError, match="names a user or a title"):
        _check_reason(workspace, reason)
    _check_reason(workspace, "They wrote 397 letters about a bell.")


@pytest.mark.parametrize("kind", ["user of the request", "other user", "title"])
def test_reason_with_user_or_title_is_refused(desk, kind):
    workspace = desk.workspace
    request = workspace.request(desk.request)
    other = next(one.user for one in workspace.interactions if one.user not in request.users)
    title = next(one.title for one in workspace.items.values() if len(one.title) >= 8)
    named = {"user of the request": request.users[0], "other user": other, "title": title}[kind]
    desk.submit()
    with pytest.raises(ReviewError, match="names a user or a title"):
        desk.decide("petra", reason=f"So wrote {named} to us.")
    assert desk.case.decisions == ()
    assert desk.decide("petra", reason="So they wrote to us.").decisions


def test_run_with_failed_verification_cannot_be_approved(desk):
    desk.judge(Verdict.FAIL)
    desk.submit()
    with pytest.raises(ReviewError, match="failed its verification"):
        desk.decide("petra")
    with pytest.raises(ReviewError, match="rejection destroys the adapter of run .* give the reason"):
        desk.decide("petra", approve=False, reason=" ")
    assert desk.case.decisions == ()
    assert desk.decide("petra", approve=False).state is CaseState.REJECTED


def test_one_person_in_two_spellings_is_one_person(desk):
    desk.submit()
    desk.set_people(PEOPLE | {"Ｐetra": ("product_owner",)}, signed=False)
    for person in ("petra", "Ｐetra"):
        with pytest.raises(ReviewError, match="People: 'petra' stands there 2 times, in other letters: keep one"):
            desk.decide(person)
    assert desk.case.decisions == ()


def test_who_launched_the_run_does_not_decide_after_a_file_was_changed(desk):
    """Petra launched the run, as the ledger says, and the file names somebody else."""
    enter_run(RunHandle(desk.workspace.layout.run(desk.run).path), by="petra")
    desk.submit()
    with pytest.raises(ReviewError, match="'petra' launched the run: somebody else has to decide"):
        desk.decide("petra")


def test_run_is_submitted_once(desk):
    desk.submit()
    with pytest.raises(ReviewError, match="under review already"):
        desk.submit()


def test_unverified_run_cannot_be_submitted(desk):
    (desk.workspace.root / "runs" / desk.run / "verification.json").unlink()
    with pytest.raises(ReviewError, match="was not verified"):
        desk.submit()


def test_run_without_ledger_cannot_be_submitted(desk):
    desk.workspace.layout.ledger_key.unlink()
    with pytest.raises(ReviewError, match="No ledger is kept here"):
        desk.submit()


def test_the_commands_in_refusals_run(desk):
    desk.set_people({}, signed=False)
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


def test_workspace_without_roles_allows_one_person_to_decide(desk):
    desk.set_people({})
    assert not permissions.four_eyes(desk.workspace)
    desk.submit("")
    assert desk.decide("").state is CaseState.APPROVED


def test_comment_needs_permission_and_text(desk):
    desk.submit()
    comment(desk.workspace, desk.request, "rita", "When?")
    with pytest.raises(ReviewError, match="may not comment"):
        comment(desk.workspace, desk.request, "anna", "I only read.")
    with pytest.raises(ReviewError, match="empty"):
        comment(desk.workspace, desk.request, "owen", " ")
    assert [one.text for one in desk.case.comments] == ["When?"]


def test_permission_checks_read_no_interactions(desk, monkeypatch):
    def fail_on_read(self):
        raise AssertionError("interactions were read")

    monkeypatch.setattr(Workspace, "interactions", property(fail_on_read))
    workspace = Workspace(desk.workspace.root)
    for action in Action:
        assert may(workspace, "olaf", action) is (
            action in (Action.READ, Action.OPEN, Action.RUN, Action.SUBMIT, Action.COMMENT)
        )
    require(workspace, "olaf", Action.RUN)
    check_operators(workspace, desk.request, "olaf")
    with pytest.raises(ReviewError, match="also a user of this workspace"):
        require(workspace, workspace.user_split.held_out_users[0], Action.READ)
