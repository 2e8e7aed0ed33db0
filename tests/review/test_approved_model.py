"""What was approved is what is searched for and what goes into service: titles, rows, base model and words of prompts."""

from contextlib import suppress
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from core.data.interaction_files import write_interactions
from core.data.interaction_store import InteractionStore
from core.errors import ReviewError
from core.ledger.chain import PLACE
from core.review import execution
from core.review.audit import audit, serves_approved
from core.review.ledger_entries import destructions
from core.runs.ledger import open_ledger
from core.runs.ledger_entries import DESTRUCTION, Ledger
from core.runs.signed_files import MODEL
from core.types import CaseState, Item
from core.utils.serialization import read_json, read_json_lines, write_json, write_json_lines
from core.workspace import Workspace, WorkspaceSettings

LATER = {"before it is sealed": None, "after it is sealed": "seal", "after it is in service": "publish"}


class Killed(BaseException):
    """As by SIGKILL."""


def killed_behind(desk, monkeypatch, name):
    """Begin the deletion, and end it as by a kill right after one of its steps."""

    def killing(step):
        def both(one):
            step(one)
            raise Killed

        return both

    with monkeypatch.context() as patch, suppress(Killed):
        steps = tuple(killing(one) if one.__name__ == name else one for one in execution.STEPS)
        patch.setattr(execution, "STEPS", steps)
        execution.execute_decisions(Workspace(desk.workspace.root))


def refused(desk):
    with pytest.raises(ReviewError) as error:
        execution.execute_decisions(Workspace(desk.workspace.root))
    assert not destructions(open_ledger(Workspace(desk.workspace.root)))
    return str(error.value)


def own_rows(desk):
    users = desk.workspace.request(desk.request).users
    return [one for one in desk.workspace.interactions if one.user in users]


def double_weights(root):
    path = root / "base/model.safetensors"
    save_file({name: 2 * one for name, one in load_file(path).items()}, path, {"format": "pt"})


def change_tokenizer(root):
    path = root / "base/tokenizer.json"
    path.write_text(path.read_text() + " ")


def add_tokens(root):
    (root / "base/added_tokens.json").write_text("{}")


def change_template(root):
    workspace = Workspace(root)
    workspace.layout.templates.write_bytes(workspace.templates.read_bytes() + b"\n# changed\n")


CHANGES = {"weights": double_weights, "tokenizer": change_tokenizer, "added": add_tokens, "template": change_template}


@pytest.mark.parametrize("when", LATER)
def test_titles_are_searched_as_they_stood_when_it_was_approved(desk, monkeypatch, when):
    desk.approve()
    if step := LATER[when]:
        killed_behind(desk, monkeypatch, step)
    layout = desk.workspace.layout
    titles = [desk.workspace.items[one.item].title for one in own_rows(desk)]
    (desk.workspace.root / "notes.txt").write_text("\n".join(titles))
    items = [replace(one, title=f"Film {number}") for number, one in enumerate(read_json_lines(layout.items, Item))]
    write_json_lines(layout.items, items)
    assert ("notes.txt" in (said := refused(desk))) is bool(step), said


@pytest.mark.parametrize("when", LATER)
def test_rows_are_searched_and_signed_as_they_stood_when_it_was_approved(desk, monkeypatch, when):
    """An item is exchanged in a row of validation or test, which no commitment of a run holds."""
    desk.approve()
    of_user = own_rows(desk)
    row = of_user[-1]
    unseen = next(item for item in desk.workspace.items if item not in {one.item for one in of_user})
    changed = [replace(one, item=unseen) if one == row else one for one in desk.workspace.interactions]
    if step := LATER[when]:
        killed_behind(desk, monkeypatch, step)
    write_interactions(desk.workspace.layout.interactions, InteractionStore.of(changed))
    if not step:
        refused(desk)
        return
    assert execution.execute_decisions(Workspace(desk.workspace.root)).state is CaseState.CLOSED
    ledger = Ledger(Workspace(desk.workspace.root))
    (entry,) = destructions(ledger)
    assert ledger.keys.pseudonym("row", row.user, row.item) in entry.content["rows"]
    assert unseen not in [one.item for one in Workspace(desk.workspace.root).interactions.of_users([row.user])]


@pytest.mark.parametrize("when", LATER)
@pytest.mark.parametrize("what", CHANGES)
def test_base_and_words_that_go_into_service_are_those_that_were_approved(desk, monkeypatch, what, when):
    """A base with the old adapter merged in would know all that is forgotten."""
    desk.approve()
    if step := LATER[when]:
        killed_behind(desk, monkeypatch, step)
    CHANGES[what](desk.workspace.root)
    assert "Data or settings changed" in refused(desk)


def test_base_that_is_exchanged_during_the_deletion_is_noticed(desk, monkeypatch):
    desk.approve()

    def purged(one, purge=execution.purge):
        purge(one)
        double_weights(desk.workspace.root)

    monkeypatch.setattr(execution, "STEPS", (*execution.STEPS[:2], purged, *execution.STEPS[3:]))
    assert "The adapter's base model is not as approved (base changed)" in refused(desk)


def test_settings_that_are_published_are_those_that_were_sealed(desk, monkeypatch):
    desk.approve()
    killed_behind(desk, monkeypatch, "seal")
    layout = desk.workspace.layout
    before = desk.workspace.settings
    write_json(layout.settings, replace(before, base_note="Another one"))
    assert execution.execute_decisions(Workspace(desk.workspace.root)).state is CaseState.CLOSED
    published = read_json(layout.settings, WorkspaceSettings)
    assert published == replace(before, adapter=published.adapter) and published.adapter != before.adapter


@pytest.mark.parametrize("what", CHANGES)
def test_audit_sees_another_base_or_other_words(desk, what):
    desk.approve()
    root = desk.workspace.root
    execution.execute_decisions(Workspace(root))
    assert audit(Workspace(root)).clean
    CHANGES[what](root)
    found = audit(Workspace(root))
    assert not found.clean and not found.served and not serves_approved(Workspace(root))


def test_destruction_of_an_earlier_version_does_not_tell_the_base(desk):
    desk.approve()
    root = desk.workspace.root
    execution.execute_decisions(Workspace(root))
    ledger = Ledger(Workspace(root))
    (entry,) = destructions(ledger)
    subjects = {name: digest for name, digest in entry.subjects.items() if name not in MODEL}
    own = {name: value for name, value in entry.content.items() if name not in PLACE}
    ledger.append(DESTRUCTION, subjects, own)
    double_weights(root)
    assert audit(Workspace(root)).clean
