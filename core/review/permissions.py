"""Permissions of each role.

The people of a workspace stand in its settings, each with roles. Where the settings name nobody, one person does
everything; that is meant for trying the product, and there is no four-eyes principle. In the demo world that one person
can also play several people, to see how four eyes decide.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping

from core.errors import ReviewError
from core.runs.requests import check_opened
from core.runs.signed_settings import check_settings
from core.types import Action, Role
from core.utils.hashing import sha256_of_file
from core.utils.text import JOINERS_AND_SELECTORS, one_line
from core.workspace import Workspace

PERMISSIONS: dict[Action, frozenset[Role]] = {
    Action.READ: frozenset(Role),
    Action.OPEN: frozenset({Role.REQUESTER, Role.OPERATOR, Role.PRIVACY_OFFICER}),
    Action.RUN: frozenset({Role.OPERATOR}),
    Action.SUBMIT: frozenset({Role.OPERATOR}),
    Action.COMMENT: frozenset(Role) - {Role.AUDITOR},
    Action.DECIDE: frozenset({Role.PRIVACY_OFFICER, Role.PRODUCT_OWNER}),
}
DECIDERS = tuple(sorted(PERMISSIONS[Action.DECIDE]))  # each of these roles has to agree

# The demo world's secret key is public, so what is signed with it proves nothing: only there may people be played.
DEMO_KEY = "cfcd878af2b3f8fa510f262511070c82d0709692c546d3ee0d578bd1e5e83c36"  # SHA-256 of its public key's file
DEMO_PEOPLE: dict[str, tuple[str, ...]] = {
    "Olaf (demo)": (Role.OPERATOR,),
    "Petra (demo)": (Role.PRIVACY_OFFICER,),
    "Owen (demo)": (Role.PRODUCT_OWNER,),
}


def playable_people(workspace: Workspace) -> Mapping[str, tuple[str, ...]]:
    """The people whom one person may play, with their roles; nobody outside the demo world or where people are set."""
    key = workspace.layout.ledger_key
    if workspace.settings.people or not key.is_file() or sha256_of_file(key) != DEMO_KEY:
        return {}
    return DEMO_PEOPLE


def four_eyes(workspace: Workspace, *acting: str) -> bool:
    """Whether several people work here, so that nobody decides on their own request, run or submission.

    Args:
        workspace: The workspace.
        acting: People who act; in the demo world it depends on them, since one person may play several.
    """
    return bool(workspace.settings.people) or not playable_people(workspace).keys().isdisjoint(acting)


def roles(workspace: Workspace, person: str) -> frozenset[Role]:
    """The roles of a person.

    Raises:
        ReviewError: The person is not in the settings, or has an unknown role there.
    """
    if not four_eyes(workspace, person):
        return frozenset(Role)
    people = workspace.settings.people or playable_people(workspace)
    settings = workspace.layout.settings.name
    name, count = Counter(map(folded, people)).most_common(1)[0]
    if count > 1:
        raise ReviewError(f"People: {name!r} stands there {count} times, in other letters: keep one in {settings}.")
    if person not in people:
        raise ReviewError(f"Person {person!r} has no role in this workspace: add them under people in {settings}.")
    try:
        return frozenset(map(Role, people[person]))
    except ValueError as error:
        raise ReviewError(
            f"People: {person!r} has an unknown role ({error}): choose from {', '.join(Role)} in {settings}."
        ) from None


def folded(person: str) -> str:
    """A person's name as it is compared: upper and lower case and forms of letters do not matter."""
    return unicodedata.normalize("NFKC", person).casefold()


def may(workspace: Workspace, person: str, act: Action) -> bool:
    """Whether a person may do something. Raises ReviewError as `roles` does."""
    return bool(roles(workspace, person) & PERMISSIONS[act])


def require(workspace: Workspace, person: str, act: Action) -> None:
    """Check that a person may do something. It reads the list of users, and no interactions.

    Raises:
        ReviewError: The person may not, or works under the id of a user whose data is in the workspace: that id would
            stay in the ledger after the user's data is gone. Or the settings are not those that were signed.
        LedgerError: The ledger is damaged.
    """
    _require_other_name(workspace, person)
    permitted = may(workspace, person, act)
    check_settings(workspace)
    if not permitted:
        allowed = " or ".join(sorted(PERMISSIONS[act])).replace("_", " ")
        raise ReviewError(f"Person {person!r} may not {act} here: ask somebody who is {allowed}.")


def _require_other_name(workspace: Workspace, person: str) -> None:
    if person in workspace.user_split.everyone:
        raise ReviewError(
            f"Person {person!r} is also a user of this workspace: work under another name, as it stays in the ledger."
        )


def _require_visible(person: str) -> None:
    """Raise ReviewError where a name holds what cannot be seen: it could pass for another person's."""
    if not person or one_line(person) != person or JOINERS_AND_SELECTORS.search(person):
        raise ReviewError(f"Person {person!a} has invisible characters or needless blanks in the name: remove them.")


def check_people(workspace: Workspace) -> None:
    """Check the people of the settings before they are signed.

    Raises:
        ReviewError: Somebody has the id of a user, an unknown role, two spellings, or a name that cannot be seen whole.
    """
    for person in workspace.settings.people:
        _require_visible(person)
        _require_other_name(workspace, person)
        roles(workspace, person)


def openers(workspace: Workspace, request_id: str) -> set[str]:
    """Who opened a request, or, of a batch, the batch or one of its members.

    Raises:
        RequestError: It is not there, or not what was opened.
        LedgerError: The ledger's keys are missing.
    """
    request = workspace.request(request_id)
    check_opened(workspace, request, rows=False)
    return {request.opened_by, *(workspace.request(member).opened_by for member in request.members)} - {""}


def check_operators(workspace: Workspace, request_id: str, *people: str) -> None:
    """Check that nobody of `people`, who take part in the work on a request, opened it.

    Raises:
        ReviewError: Somebody did.
    """
    opened = set(map(folded, openers(workspace, request_id))) if four_eyes(workspace, *people) else set()
    for requester in sorted(one for one in people if folded(one) in opened):
        raise ReviewError(
            f"Person {requester!r} opened the request: somebody else has to launch the run, work on it and submit it."
        )
