"""The suppression list: whose data a serving system must not use until their requests are carried out.

It holds pseudonyms under a key of its own, so that a serving system can ask for an id and nobody can read the list. It
is written only from requests that are signed as they stand. One that was changed or removed in silence is an error, and
the list that was written before stays in use.
"""

import hashlib
import hmac
from dataclasses import dataclass

from core.errors import RequestError, WorkspaceError
from core.ledger.keys import pseudonym, secret_of
from core.runs.requests import check_opened, lost_requests
from core.types.times import IsoTime
from core.utils.clock import utc_now
from core.utils.commands import command_line
from core.workspace import Workspace
from core.workspace.locks import DELETION_RUNNING


@dataclass(frozen=True, slots=True)
class SuppressionList:
    """The list. `core.integrations.suppression_client` reads it.

    Attributes:
        made: When it was made.
        users: Pseudonyms of the users none of whose data may be used.
        interactions: Pseudonyms of single interactions that may not be used.
    """

    made: IsoTime
    users: tuple[str, ...]
    interactions: tuple[str, ...]


def suppression_key(workspace: Workspace) -> bytes:
    """The key of the list's pseudonyms, which is no key of the ledger. Raises LedgerError."""
    return hmac.new(secret_of(workspace.layout.ledger_key), b"suppression list", hashlib.sha256).digest()


def suppression_list(workspace: Workspace) -> SuppressionList:
    """The list of all open requests.

    Raises:
        RequestError: A request is not signed as it stands, or its file is gone.
        WorkspaceError: A deletion is being carried out.
        LedgerError: No ledger is kept, or its keys are missing.
    """
    key = suppression_key(workspace)
    if workspace.layout.vaults():
        raise WorkspaceError(DELETION_RUNNING)
    if lost := lost_requests(workspace):
        confirm = command_line("ledger", "confirm", "--workspace", str(workspace.root))
        raise RequestError(f"The file of request {lost[0]!r} is gone: restore it, or sign with `{confirm}` that it is.")
    requests = workspace.requests().whole()
    for one in requests:
        check_opened(workspace, one, rows=False)
    users = {user for one in requests for user in one.users}
    pairs = {pair for one in requests for pair in one.interactions if pair[0] not in users}
    return SuppressionList(
        utc_now(),
        tuple(sorted(pseudonym(key, "user", user) for user in users)),
        tuple(sorted(pseudonym(key, "interaction", *pair) for pair in pairs)),
    )
