"""Review and execution of another tool's adapter: the approved copy goes into service, bit for bit."""

from pathlib import Path

import pytest

from core.errors import ReviewError
from core.pipeline.train_reference import train_reference
from core.review.evidence_digest import check_ready
from core.review.execution import execute_decisions
from core.runs.external import create_external_run
from core.runs.ledger import open_ledger
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import CaseState, RunState, Verdict
from core.utils.hashing import sha256_of_file
from core.workspace import Workspace
from core.workspace.run_layout import WEIGHTS

pytestmark = pytest.mark.integration


def verified_run(desk, adapter: Path):
    run = create_external_run(desk.workspace, desk.request, adapter, "cpu", "olaf")
    assert work(run) is RunState.DONE, run.status
    verify_run(run, "cpu")
    return run


def test_approved_adapter_of_another_tool_goes_into_service(desk, tmp_path):
    adapter, request = tmp_path / "external", desk.workspace.request(desk.request)
    train_reference(desk.workspace, request, 999, "cpu", adapter, lambda step: False)
    run = verified_run(desk, adapter)
    assert (run.verification.verdict, run.verification.attempt) == (Verdict.INCONCLUSIVE, 2)  # two references only
    desk.run = run.id
    assert desk.approve().state is CaseState.APPROVED
    execute_decisions(Workspace(desk.workspace.root))
    workspace = Workspace(desk.workspace.root)
    assert (
        workspace.closed()[0].adapter
        == sha256_of_file(workspace.adapter / WEIGHTS)
        == sha256_of_file(adapter / WEIGHTS)
    )
    assert desk.invoke("verify-destruction").exit_code == 0


def test_original_handed_in_by_another_tool_cannot_be_submitted(desk):
    run = verified_run(desk, desk.workspace.adapter)
    with pytest.raises(ReviewError, match="left the adapter unchanged"):
        check_ready(run, open_ledger(desk.workspace))
