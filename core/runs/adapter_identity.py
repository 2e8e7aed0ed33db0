"""Which adapter a run made, by digest: from its ledger entry where a ledger is kept, else from the run's own events."""

from pathlib import Path
from typing import Any

from core.runs.artifacts import RunArtifacts
from core.runs.ledger import RunLedger
from core.utils.hashing import digests_match, sha256_of_file
from core.workspace.run_layout import AdapterLayout


def adapter_files(run: RunArtifacts) -> dict[str, Path]:
    """The files of the unlearned adapter, by the names of their digests: "sha256" (weights) and "config"."""
    return {"sha256": run.layout.weights, "config": run.layout.adapter_config}


def recorded_digests(run: RunArtifacts, ledger: RunLedger) -> dict[str, str]:
    """Digests of the adapter that the run made, by the names of `adapter_files`; older runs recorded fewer.

    Raises:
        LedgerError: The ledger is damaged.
    """
    events = (event for event in reversed(run.events()) if event["kind"] == "adapter")
    event: dict[str, Any] = next(events, {})
    subjects = ledger.run_subjects(run.id)
    signed = {"sha256": subjects.get("adapter after"), "config": subjects.get("adapter config")}
    return event | {name: digest for name, digest in signed.items() if digest}


def is_recorded_adapter(run: RunArtifacts, ledger: RunLedger) -> bool:
    """Whether the adapter in the run's folder is the one that the run made, as far as digests were recorded."""
    return digests_match(adapter_files(run), recorded_digests(run, ledger))


def differs_from_original(run: RunArtifacts) -> bool:
    """Whether the adapter's weights differ from those in use. A run that stopped at once leaves them unchanged."""
    return sha256_of_file(run.layout.weights) != sha256_of_file(AdapterLayout(run.workspace.adapter).weights)
