"""Settings and recipe of a workspace, compared with those that were entered into its ledger last."""

from hashlib import sha256
from typing import Any

from core.errors import ReviewError
from core.runs.ledger import NullLedger, open_ledger
from core.utils.commands import command_line
from core.utils.serialization import to_json
from core.workspace import Workspace

NOT_SIGNED = ("adapter",)  # a deletion exchanges it; what is in service stands in the entry of the deletion


def settings_to_sign(workspace: Workspace) -> dict[str, Any]:
    """The present settings as JSON, as they are signed, with SHA-256 of a given adapter's recipe; "" without one."""
    settings, recipe = workspace.settings, workspace.recipe
    values = {name: value for name, value in to_json(settings).items() if name not in NOT_SIGNED}
    digest = "" if recipe is None else sha256(recipe).hexdigest()
    return {**values, "seed": str(settings.seed), "recipe": digest}  # numbers of the ledger's JSON end at 2^53


def check_settings(workspace: Workspace) -> None:
    """Check that the settings are those that the ledger holds. Entries of earlier versions hold fewer of them.

    Raises:
        ReviewError: They are not.
        LedgerError: The ledger is damaged.
    """
    if isinstance(ledger := open_ledger(workspace), NullLedger):
        return
    signed = ledger.settings()
    values = settings_to_sign(workspace).items()
    if changed := [name for name, value in values if signed.get(name, value) != value]:
        confirm = command_line("ledger", "confirm", "--workspace", str(workspace.root))
        layout = workspace.layout
        files = {layout.recipe.name if name == "recipe" else layout.settings.name for name in changed}
        raise ReviewError(
            f"The settings are not those that were signed (changed: {', '.join(changed)}): check "
            f"{' and '.join(sorted(files))}, then run `{confirm}`."
        )
