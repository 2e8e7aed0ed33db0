"""People that one person plays: in the demo world they decide by four eyes, and nowhere else do they exist."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ReviewError
from core.ledger.keys import demo_keys, public_pem
from core.review import permissions
from core.review.cases import Cases
from core.review.decisions import decide, submit
from core.review.ledger_entries import DECISION, SUBMISSION
from core.runs.ledger_entries import Ledger
from core.types import Action, Case, CaseState, Role
from core.utils.serialization import write_json
from core.workspace import Workspace
from tests.dashboard.conftest import demo  # noqa: F401 - fixture

OLAF, PETRA, OWEN = permissions.DEMO_PEOPLE
RUN, REQUEST = "run-forgotten", "req-demo"


@pytest.fixture
def world(demo: Path) -> Workspace:  # noqa: F811
    return Workspace(demo)


def approve(workspace: Workspace, person: str) -> Case:
    case = Cases(workspace).of(REQUEST)
    assert case
    return decide(workspace, REQUEST, person, True, case.evidence, "The rest is proven.")


def test_key_of_the_demo_is_the_public_one() -> None:
    assert hashlib.sha256(public_pem(demo_keys())).hexdigest() == permissions.DEMO_KEY


def test_two_played_people_decide_and_the_ledger_names_both(world: Workspace) -> None:
    submit(world, RUN, OLAF)
    assert approve(world, PETRA).state is CaseState.PENDING
    with pytest.raises(ReviewError, match="approved on .* already"):
        approve(world, PETRA)
    with pytest.raises(ReviewError, match="Two people decide .* decide as 'Olaf"):
        approve(world, "")
    with pytest.raises(ReviewError, match="may not decide"):
        approve(world, OLAF)
    case = approve(world, OWEN)
    assert case.state is CaseState.APPROVED and [one.person for one in case.decisions] == [PETRA, OWEN]
    entries = [one.content for one in Ledger(world).statements() if one.kind in (SUBMISSION, DECISION)]
    assert len(entries) == 3 and all(entry["four_eyes"] for entry in entries)


def test_single_person_still_decides_alone_in_the_demo(world: Workspace) -> None:
    submit(world, RUN, "")
    case = approve(world, "")
    assert case.state is CaseState.APPROVED
    assert not any(one.content["four_eyes"] for one in Ledger(world).statements() if one.kind == DECISION)


def test_played_person_has_only_their_role(world: Workspace) -> None:
    assert permissions.roles(world, PETRA) == {Role.PRIVACY_OFFICER}
    assert not permissions.may(world, PETRA, Action.SUBMIT) and permissions.may(world, OLAF, Action.SUBMIT)


@pytest.mark.parametrize("why", ["other key", "no key", "people are set"])
def test_nobody_is_played_outside_the_demo(world: Workspace, why: str) -> None:
    key = world.layout.ledger_key
    if why == "other key":
        key.write_bytes(key.read_bytes().replace(b"A", b"B", 1))
    elif why == "no key":
        key.unlink()
    else:
        people = {"petra@example.org": ("privacy_officer",)}
        write_json(world.layout.settings, replace(world.settings, people=people))
    world = Workspace(world.root)
    assert permissions.playable_people(world) == {}
    assert permissions.four_eyes(world, PETRA, OWEN) is (why == "people are set")
    if why == "people are set":
        with pytest.raises(ReviewError, match="has no role"):
            permissions.roles(world, PETRA)
