"""The files of a run, and of what it worked on, whose digests its entry in the ledger holds."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from core.runs.handle import RunHandle
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout

TRAINING_INPUTS = "training inputs"  # name of the mark of what a retraining learned from
# Results that pages show, by their names in the ledger. Not each method makes them, and none may be put there later.
SHOWN = {
    "circuit of the forget set": "forget",
    "circuit of the retain set": "retain",
    "direct effects": "direct_effects",
    "groups": "groups",
    "memory contrast": "memory",
}
NO_FILE = hashlib.sha256(b"").hexdigest()


def digest_of_file(name: str, path: Path) -> str:
    """SHA-256 of a file of a run, as an entry holds it: NO_FILE where a result that pages show was not made."""
    return NO_FILE if name in SHOWN and not path.is_file() else sha256_of_file(path)


def adapter_subjects(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of an unlearned adapter, given by "weights" and "config", by their names in the ledger."""
    return {"adapter after": digests["weights"], "adapter config": digests["config"]}


def files_of_run(workspace: Workspace, run: RunHandle, base: Path) -> dict[str, Path]:
    """The files that an entry about a run is about, by their names in the ledger.

    Args:
        workspace: The workspace.
        run: The run.
        base: Folder of the base model, which has an entry of its own.
    """
    layout = run.layout
    return {
        "adapter before": AdapterLayout(workspace.adapter).weights,
        "adapter before, config": AdapterLayout(workspace.adapter).config,
        "adapter after": layout.weights,
        "adapter config": layout.adapter_config,
        "tokenizer": base / "tokenizer.json",
        "prompt template": workspace.templates,
        "circuit": layout.scores,
        **{name: getattr(layout, own) for name, own in SHOWN.items()},
        "events": layout.events,
        "report": layout.report_numbers,
        "report page": layout.report,
        "reviewer's page": layout.reviewer_report,
        "specification": layout.spec,
        "outcome": layout.outcome,
        "evaluation": layout.evaluation,
    }
