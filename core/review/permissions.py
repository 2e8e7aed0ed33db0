"""Who may do what. The rules are here and not in the pages; a page only shows what they say.

The people of a workspace stand in its settings, each with roles. Where nobody stands there, one person does everything: that is
for looking at the product alone, and no four eyes.
"""

from core.errors import ReviewError
from core.types import Act, Role
from core.workspace import Workspace

MAY: dict[Act, frozenset[Role]] = {
    Act.READ: frozenset(Role),
    Act.OPEN: frozenset({Role.REQUESTER, Role.OPERATOR, Role.PRIVACY_OFFICER}),
    Act.RUN: frozenset({Role.OPERATOR}),
    Act.SUBMIT: frozenset({Role.OPERATOR}),
    Act.COMMENT: frozenset(Role) - {Role.AUDITOR},
    Act.DECIDE: frozenset({Role.PRIVACY_OFFICER, Role.PRODUCT_OWNER}),
}
DECIDERS = tuple(sorted(MAY[Act.DECIDE]))  # each of these roles has to agree


def four_eyes(workspace: Workspace) -> bool:
    """Whether several people work here, so that nobody decides on what is their own."""
    return bool(workspace.settings.people)


def roles(workspace: Workspace, person: str) -> frozenset[Role]:
    """What a person is here. Raises ReviewError for somebody who is nobody here, or a role that there is not."""
    if not four_eyes(workspace):
        return frozenset(Role)
    known = workspace.settings.people
    if person not in known:
        raise ReviewError(f"Person {person!r} has no role in this workspace: add them under people in workspace.json.")
    try:
        return frozenset(map(Role, known[person]))
    except ValueError as error:
        raise ReviewError(
            f"People: {person!r} has a role that there is not ({error}): choose among {', '.join(Role)}."
        ) from None


def may(workspace: Workspace, person: str, act: Act) -> bool:
    return bool(roles(workspace, person) & MAY[act])


def require(workspace: Workspace, person: str, act: Act) -> None:
    """Raises ReviewError where the person may not, or goes by the id of somebody who may have to be forgotten one day."""
    if person in {one.user for one in workspace.interactions}:
        raise ReviewError(
            f"Person {person!r} is also somebody whose data is here: work under another name, as yours stays in the ledger."
        )
    if not may(workspace, person, act):
        raise ReviewError(
            f"Person {person!r} may not {act} here: ask somebody who is {' or '.join(sorted(MAY[act]))}.".replace(
                "_", " "
            )
        )


def check_operators(workspace: Workspace, request_id: str, *people: str) -> None:
    """Raises ReviewError where one of those who launch and submit a run is the one who asked for the deletion."""
    asked = workspace.request(request_id).opened_by
    if four_eyes(workspace) and asked and asked in people:
        raise ReviewError(f"Person {asked!r} opened the request: somebody else has to launch the run and submit it.")
