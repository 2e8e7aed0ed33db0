"""A request in a ledger entry: pseudonyms and counts, without any user id, item, title or reason."""

from collections.abc import Sequence
from typing import Any

from core.data.splits import ForgottenRows
from core.ledger.keys import Keys
from core.types import Prompt, Request


def request_content(request: Request, forgotten: ForgottenRows, keys: Keys) -> dict[str, Any]:
    """A request as pseudonyms: only the holder of the key can tell who and what it is about.

    Args:
        request: The request, or a member of a batch.
        forgotten: What the request or the batch takes from the training.
        keys: The keys of the pseudonyms.
    """
    rows = _rows(request, forgotten.prompts)
    return {
        "id": request.id,
        "opened": request.created,
        "opened_by": request.opened_by,
        "due": request.due,
        "ground": request.legal_basis,
        "identity": request.identity,
        "subjects": sorted(keys.pseudonym("user", user) for user in request.subjects),
        "pseudonyms": "HMAC-SHA256",
        "key": keys.signer.public_key.keyid,
        "forgotten": len(rows),
        "kept": forgotten.retained,
        "commitment": commitment(request, forgotten.prompts, keys),
    }


def commitment(request: Request, prompts: Sequence[Prompt], keys: Keys) -> str:
    """HMAC-SHA256 of the rows of a forget set that a request covers."""
    return keys.pseudonym("rows", *_rows(request, prompts))


def _rows(request: Request, prompts: Sequence[Prompt]) -> list[str]:
    own = filter(request.covers, (one for prompt in prompts for one in prompt.targets))
    return sorted(f"{one.user}\t{one.item}\t{one.time}" for one in own)
