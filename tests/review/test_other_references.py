"""Which weights a deletion destroys and searches follows from the signed requests, whatever their files say by then."""

import json
import shutil
from dataclasses import replace

import pytest

from core.errors import ReviewError
from core.review.execution import execute_decisions
from core.runs.references import train_references
from core.runs.requests import open_request
from core.types import CaseState
from core.utils.serialization import write_json
from core.workspace import Workspace

COPY = "copy.safetensors"


def copied_reference(desk, users):
    """Another request, of which a reference lies there a second time."""
    other = open_request(desk.workspace, users, opened_by="rita")
    folder, *_ = train_references(desk.workspace, other.id, 1, "cpu", lambda number, step: False)
    shutil.copy(folder / "adapter_model.safetensors", desk.workspace.root / COPY)
    return other


def people_of(desk):
    """The people of the request, and somebody else."""
    own = desk.workspace.request(desk.request).users
    return own, next(one for one in desk.workspace.user_split.training_users if one not in own)


@pytest.mark.parametrize("tampered", [False, True])
def test_copy_of_a_reference_that_knows_the_forgotten_is_found(desk, tampered):
    own, somebody = people_of(desk)
    other = copied_reference(desk, [somebody])
    desk.approve()
    if tampered:  # as if its references had never seen them
        write_json(desk.workspace.layout.request(other.id), replace(other, users=(*own, somebody)))
    with pytest.raises(ReviewError, match=COPY):
        execute_decisions(Workspace(desk.workspace.root))


def test_reference_that_never_saw_the_forgotten_may_stay(desk):
    """Its request, of which the deletion leaves a part, trains the same weights again."""
    own, somebody = people_of(desk)
    other = copied_reference(desk, [*own, somebody])
    desk.approve()
    assert execute_decisions(Workspace(desk.workspace.root)).state is CaseState.CLOSED
    assert json.loads(desk.workspace.layout.request(other.id).read_text())["users"] == [somebody]
    assert (desk.workspace.root / COPY).is_file()
