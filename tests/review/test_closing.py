"""Closing a case: what is signed is what was sealed and approved, and no key and no unsearched file stays behind."""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from hashlib import sha256

import pytest

from core.errors import CureLensError, ReviewError
from core.review import decisions, execution, signed_inputs, vault
from core.review.cases import Cases
from core.review.execution_state import Execution
from core.review.ledger_entries import destructions
from core.review.withdrawal import withdraw
from core.runs.closed import confirmed_closed
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.types import CaseState
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json
from core.verification.drift_budget import fall_of
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout

ANYTHING = (CureLensError, OSError)


class Killed(BaseException):
    """As by SIGKILL."""


def then(monkeypatch, name, act):
    """Somebody acts right after a step of the deletion."""

    def acted(step):
        def both(one):
            step(one)
            act(one)

        return both

    steps = tuple(acted(one) if one.__name__ == name else one for one in execution.STEPS)
    monkeypatch.setattr(execution, "STEPS", steps)


def settle(desk):
    with suppress(*ANYTHING):
        execution.execute_decisions(Workspace(desk.workspace.root))
    return open_ledger(Workspace(desk.workspace.root))


def killed_behind(desk, monkeypatch, name):
    def killed(_one):
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        then(patch, name, killed)
        settle(desk)


# ------------------------------------------------------------ what is signed was sealed


def test_old_adapter_does_not_come_back_as_the_approved_one(desk, monkeypatch):
    old = AdapterLayout(desk.workspace.adapter).weights.read_bytes()

    def swap(one):
        AdapterLayout(one.adapter).weights.write_bytes(old)
        file = one.layout.closed(desk.request)
        write_json(file, read_json(file) | {"adapter": sha256(old).hexdigest()})

    desk.approve()
    then(monkeypatch, "check", swap)
    (entry,) = destructions(settle(desk))
    assert sha256(old).hexdigest() in entry.content["weights"]
    assert desk.invoke("verify-destruction").exit_code != 0  # the adapter in use is not the approved one


def test_configuration_that_is_signed_is_the_sealed_one(desk, monkeypatch):
    honest = sha256_of_file(open_run(desk.workspace, desk.run).layout.adapter_config)

    def change(one):
        file = AdapterLayout(one.adapter).config
        write_json(file, read_json(file) | {"lora_alpha": 0})

    desk.approve()
    then(monkeypatch, "check", change)
    assert [one.subjects["adapter config"] for one in destructions(settle(desk))] == [honest]


def test_record_of_a_deletion_that_is_signed_is_the_one_that_was_computed(desk, monkeypatch):
    fall = fall_of(open_run(desk.workspace, desk.run).evaluation)

    def milder(one):
        file = one.layout.closed(desk.request)
        write_json(file, read_json(file) | {"test_auc_fall": -0.5})

    desk.approve()
    then(monkeypatch, "purge", milder)
    ledger = settle(desk)
    assert [one.test_auc_fall for one in confirmed_closed(Workspace(desk.workspace.root), ledger)] == [fall]


def test_number_of_eyes_that_is_signed_is_that_of_the_signed_people(desk, monkeypatch):
    def nobody(one):
        write_json(one.layout.settings, replace(one.workspace.settings, people={}))

    desk.approve()
    then(monkeypatch, "check", nobody)
    assert [one.content["four_eyes"] for one in destructions(settle(desk))] == [True]


def test_sealed_results_are_those_that_were_signed(desk, monkeypatch):
    """An evaluation lies there while evidence is hashed and sealed, and another one while it is compared."""
    file = open_run(desk.workspace, desk.run).layout.evaluation
    honest, forged = file.read_bytes(), read_json(file)
    fall = fall_of(open_run(desk.workspace, desk.run).evaluation)
    forged["unlearned"]["test_auc"]["value"] = 0.999
    compared, ready = signed_inputs.check_inputs, decisions.check_ready

    def ready_first(*given):
        file.write_bytes(honest)
        ready(*given)

    def compared_first(*given):
        compared(*given)
        write_json(file, forged)

    monkeypatch.setattr(decisions, "check_ready", ready_first)
    monkeypatch.setattr(signed_inputs, "check_inputs", compared_first)
    with suppress(CureLensError):
        desk.approve()
    settle(desk)
    assert [one.test_auc_fall for one in Workspace(desk.workspace.root).closed()] in ([], [fall])


@pytest.mark.parametrize("name", ["evaluation", "outcome", "report", "verification", "request"])
def test_each_sealed_file_is_compared_with_the_ledger(desk, monkeypatch, name):
    """Even where the digest of the evidence is the approved one, as whoever made it read a forged file."""
    layout = open_run(desk.workspace, desk.run).layout
    file = desk.workspace.layout.request(desk.request) if name == "request" else getattr(layout, name)
    case = desk.approve()
    if name == "request":
        write_json(file, read_json(file) | {"reason": "None of theirs."})
    elif name == "verification":
        write_json(file, read_json(file) | {"verdict": "exact"})
    else:
        file.write_bytes(file.read_bytes() + b"\n")
    monkeypatch.setattr(Execution, "sealed_evidence", lambda _one: case.evidence)
    with pytest.raises(ReviewError, match="nothing was destroyed"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.case.state is CaseState.PENDING


def test_results_that_are_gone_are_not_what_was_signed(desk):
    """Without its evaluation, nobody would know by how much the test AUC fell."""
    open_run(desk.workspace, desk.run).layout.evaluation.unlink()
    with pytest.raises(ReviewError, match=r"changed since it was signed \(evaluation\)"):
        desk.submit()


def test_sealed_copies_are_checked_again_after_a_kill(desk, monkeypatch):
    """A step that only the database calls done skips no check of what was sealed."""
    evaluation = open_run(desk.workspace, desk.run).layout.evaluation
    case = desk.approve()
    honest = evaluation.read_bytes()
    evaluation.write_bytes(honest + b"\n")

    def killed(*_given):
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(execution, "check_sealed", killed)
        settle(desk)
    Cases(desk.workspace).change(case.number, lambda one: replace(one, step=1))
    with pytest.raises(ReviewError, match="changed since it was approved"):
        execution.execute_decisions(Workspace(desk.workspace.root))


# ------------------------------------------------------------ the key of the sealed copies


def vault_keys(tmp_path):
    return [path for path in (tmp_path / "keys").rglob("*.key") if len(path.stem) == 32]


@pytest.mark.parametrize("change", ["named otherwise", "not named", "moved away"])
def test_key_of_sealed_copies_is_destroyed_whatever_the_folder_says(desk, monkeypatch, tmp_path, change):
    """A vault that names a key that does not exist, or is gone, looks as if its key was destroyed before."""

    def act(one):
        if change == "named otherwise":
            (one.vault.path / "key").write_text("f" * 32)
        elif change == "not named":
            (one.vault.path / "key").unlink()
        else:
            one.vault.path.rename(tmp_path / "copies")

    desk.approve()
    then(monkeypatch, "sign_destruction", act)
    settle(desk)
    assert not vault_keys(tmp_path) and desk.case.state is CaseState.CLOSED


@pytest.mark.parametrize("step", [0, 6])
def test_key_is_destroyed_where_only_a_file_says_so(desk, monkeypatch, tmp_path, step):
    """After a kill behind the signed destruction, the database says that the last step, or none, is done."""
    case = desk.approve()
    killed_behind(desk, monkeypatch, "sign_destruction")
    assert vault_keys(tmp_path)
    assert "not destroyed yet" in " ".join(desk.invoke("verify-destruction").output.split())
    Cases(desk.workspace).change(case.number, lambda one: replace(one, step=step))
    settle(desk)
    assert not vault_keys(tmp_path) and desk.case.state is CaseState.CLOSED
    assert desk.invoke("verify-destruction").exit_code == 0


def test_kill_while_the_key_is_destroyed_leaves_no_case_open(desk, monkeypatch, tmp_path):
    overwrite = vault._overwrite

    def killed(path):
        overwrite(path)
        raise Killed

    desk.approve()
    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(vault, "_overwrite", killed)
        settle(desk)
    settle(desk)
    assert desk.case.state is CaseState.CLOSED and not any(
        path.read_bytes().strip(b"\0") for path in vault_keys(tmp_path)
    )


def test_destruction_that_is_signed_is_not_withdrawn(desk, monkeypatch, tmp_path):
    case = desk.approve()
    killed_behind(desk, monkeypatch, "sign_destruction")
    desk.workspace.layout.vault(desk.request, case.number).rename(tmp_path / "copies")
    Cases(desk.workspace).change(case.number, lambda one: replace(one, step=0))
    with pytest.raises(ReviewError, match="is closed: there is no approval to withdraw"):
        withdraw(Workspace(desk.workspace.root), desk.request, "petra")


# ------------------------------------------------------------ the search of review.sqlite


@pytest.mark.parametrize("place", ["another row", "review.sqlite-shm"])
def test_deletion_searches_what_lies_beside_the_comments(desk, place):
    (user,), review = desk.workspace.request(desk.request).users[:1], desk.workspace.layout.review
    desk.approve()
    if place == "another row":
        with closing(sqlite3.connect(review)) as database, database:
            database.execute("INSERT INTO sqlite_sequence VALUES (?, 1)", (user,))
    else:
        review.with_name(place).write_text(f"ask {user}\n")
    with pytest.raises(ReviewError, match=r"still in review\.sqlite"):
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert desk.case.state is CaseState.PENDING


def test_nothing_that_no_row_shows_is_left_of_the_cases(desk):
    """Unused pages and bytes behind the last page, whatever packs them."""
    review, text = desk.workspace.layout.review, os.urandom(9000).hex()
    desk.approve()
    with closing(sqlite3.connect(review)) as database:
        database.execute("PRAGMA secure_delete = OFF")
        database.execute("CREATE TABLE notes (text)")
        database.execute("INSERT INTO notes VALUES (?)", (text,))
        database.commit()
        database.execute("DROP TABLE notes")
        database.commit()
    with review.open("ab") as file:
        file.write(b"behind" * 1000)
    before = review.read_bytes()
    assert text[9000:9500].encode() in before
    assert execution.execute_decisions(Workspace(desk.workspace.root)).state is CaseState.CLOSED
    left = review.read_bytes()
    assert text[9000:9500].encode() not in left and b"behind" not in left
