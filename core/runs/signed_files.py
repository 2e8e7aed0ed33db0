"""The files of a run, and of what it worked on, whose digests its entry in the ledger holds."""

from pathlib import Path

from core.runs.handle import RunHandle
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout


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
        "events": layout.events,
        "report": layout.report_numbers,
        "report page": layout.report,
        "reviewer's page": layout.reviewer_report,
        "specification": layout.spec,
        "outcome": layout.outcome,
        "evaluation": layout.evaluation,
    }
