"""The files of a run, and of what it worked on, whose digests its entry in the ledger holds."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from core.runs.handle import RunHandle
from core.runs.ledger import OVERLAP, RunLedger, last_fact
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout, RunLayout

TRAINING_INPUTS = "training inputs"  # name of the mark of what a retraining learned from
# Results that pages show, and that not each method makes: name in the ledger, and property of RunLayout. One that is
# missing is signed as missing, so that none can be put there later.
OPTIONAL_RESULTS = {
    "circuit of the forget set": "forget",
    "circuit of the retain set": "retain",
    "direct effects": "direct_effects",
    "groups": "groups",
    "memory contrast": "memory",
}
DIGEST_OF_MISSING = hashlib.sha256(b"").hexdigest()


def digest_of_file(name: str, path: Path) -> str:
    """SHA-256 of a file of a run, as an entry holds it: DIGEST_OF_MISSING for an optional result that was not made."""
    return DIGEST_OF_MISSING if name in OPTIONAL_RESULTS and not path.is_file() else sha256_of_file(path)


def overlap_is_signed(run: RunHandle, ledger: RunLedger) -> bool:
    """Whether the comparison of all lists is the last one that was computed; where none was, none may lie there."""
    file = run.layout.overlap
    return last_fact(ledger, OVERLAP, run.id) == (sha256_of_file(file) if file.is_file() else None)


def adapter_subjects(digests: Mapping[str, str]) -> dict[str, str]:
    """Digests of an unlearned adapter, given by "weights" and "config", by their names in the ledger."""
    return {"adapter after": digests["weights"], "adapter config": digests["config"]}


def files_of_run(workspace: Workspace, run: RunHandle, base: Path) -> dict[str, Path]:
    """The files that an entry about a run is about, by their names in the ledger.

    Args:
        workspace: The workspace.
        run: The run.
        base: Folder of the base model, of whose files only the tokenizer is named: its weights have a fingerprint.
    """
    return {
        **judged_files(workspace.adapter, run.layout),
        "tokenizer": base / "tokenizer.json",
        "prompt template": workspace.templates,
        "events": run.layout.events,
    }


def judged_files(adapter: Path, layout: RunLayout) -> dict[str, Path]:
    """The adapter that a run began with and all that it made, but its events, by their names in the ledger."""
    return {
        "adapter before": AdapterLayout(adapter).weights,
        "adapter before, config": AdapterLayout(adapter).config,
        "adapter after": layout.weights,
        "adapter config": layout.adapter_config,
        "circuit": layout.scores,
        **{name: getattr(layout, own) for name, own in OPTIONAL_RESULTS.items()},
        "report": layout.report_numbers,
        "report page": layout.report,
        "reviewer's page": layout.reviewer_report,
        "specification": layout.spec,
        "outcome": layout.outcome,
        "evaluation": layout.evaluation,
    }
