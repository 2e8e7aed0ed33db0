"""Workspace of version 0.1.0 in old_workspace/: it opens, verifies and can be unlearned.

Names in code have changed since then; names in files, columns and hashed text have not.
"""

import shutil
from pathlib import Path

import pytest

from core.errors import RequestError, ReviewError
from core.ledger.chain import verify as verify_ledger
from core.ledger.keys import read_public
from core.report.check_texts import render
from core.review.decisions import case_of
from core.review.evidence_digest import evidence_of
from core.runs.adapter_identity import is_recorded_adapter
from core.runs.handle import RunHandle, open_run, runs
from core.runs.ledger import open_ledger
from core.runs.ledger_entries import Ledger
from core.runs.requests import write_marked
from core.runs.signed_settings import settings_to_sign
from core.runs.submit import _dedup_key, create_run
from core.runs.verify import verify_run
from core.runs.worker import work
from core.types import Group, LegalBasis, RunState, Verdict
from core.verification.thresholds import Thresholds
from core.workspace import Workspace

CURE, MERGE = "run-fecbb0", "run-3ad438"
SAME = {  # names of 0.1.0, by the code of what is still measured in the same way
    "distance to models that never saw the data": "residual",
    "divergence from models that never saw the data": "divergence",
    "a person who stands out": "outliers",
    "probes of the inner layers": "probes",
    "HR@10": "ranking_hr",
    "NDCG@10": "ranking_ndcg",
    "rank of forgotten titles": "ranking_titles",
    "answers at all": "answer_mass",
    "told from a model that never saw the data": "distinguishability",
    "what it costs neighbours": "utility_neighbours",
    "what it keeps": "utility_retain",
    "drift on people whom no request touches": "drift",
}


@pytest.fixture
def old_workspace(tmp_path: Path) -> Workspace:
    return Workspace(shutil.copytree(Path(__file__).parent / "old_workspace", tmp_path / "old"))


def confirm(workspace: Workspace) -> None:
    """Sign settings and the request as `ledger confirm` does."""
    Ledger(workspace).record_settings(settings_to_sign(workspace))
    write_marked(workspace, workspace.requests()[0])


def test_request_and_runs_are_read(old_workspace: Workspace) -> None:
    (request,) = old_workspace.requests()
    assert (request.opened_by, request.legal_basis) == ("rita", LegalBasis.CONSENT_WITHDRAWN)
    assert [run.id for run in runs(old_workspace)] == [MERGE, CURE]
    assert all(run.status.state is RunState.DONE and run.spec.launched_by == "olaf" for run in runs(old_workspace))


def test_results_of_runs_are_read(old_workspace: Workspace) -> None:
    cure, merge = open_run(old_workspace, CURE), open_run(old_workspace, MERGE)
    assert cure.circuits and cure.groups and cure.direct_effects and merge.memory and merge.overlaps
    assert all(0 <= one <= 1 for one in cure.circuits[0].membership_probability)
    assert {row.group for row in cure.groups} <= set(Group) and min(
        row.membership_probability for row in cure.groups
    ) < 1
    assert merge.verification and any(one.rows_needed for one in merge.verification.checks)


def test_stored_hashes_are_reproduced(old_workspace: Workspace) -> None:
    for run in runs(old_workspace):
        entry = run.store.find(run.id)
        assert entry and entry.dedup_key == _dedup_key(run.spec)
        assert run.spec.thresholds != Thresholds().digest  # margins of another rule, so the run cannot pass by this one
    case = case_of(old_workspace, old_workspace.requests()[0].id)
    assert case.run == MERGE and case.evidence == evidence_of(old_workspace, open_run(old_workspace, MERGE))


def test_ledger_is_valid(old_workspace: Workspace) -> None:
    assert verify_ledger(old_workspace.layout.ledger, read_public(old_workspace.layout.ledger_key)).flaws == ()
    ledger = open_ledger(old_workspace)
    assert all(ledger.run_subjects(run.id) and is_recorded_adapter(run, ledger) for run in runs(old_workspace))


def test_verification_gives_the_stored_results(old_workspace: Workspace) -> None:
    run = open_run(old_workspace, CURE)
    before = run.verification
    assert before
    confirm(old_workspace)
    found = verify_run(run, "cpu", full=True)
    assert found.verdict is before.verdict is Verdict.INCONCLUSIVE
    assert before.sentence == "" and "earlier version" in render(before).sentence
    now = {one.code: one.value.value for one in found.checks}
    same = [one for one in before.checks if SAME.get(one.name)]
    assert len(same) == len(SAME)
    for one in same:
        assert now[SAME[one.name]] == pytest.approx(one.value.value, rel=1e-3, abs=1e-3, nan_ok=True), one.name


def test_request_is_unlearned_again(old_workspace: Workspace) -> None:
    with pytest.raises(ReviewError, match=r"\(changed: people\)"):  # that version signed no settings
        create_run(old_workspace, old_workspace.requests()[0].id, "cure", "cpu")
    Ledger(old_workspace).record_settings(settings_to_sign(old_workspace))
    with pytest.raises(RequestError, match="Check the file and"):  # and marked no requests
        create_run(old_workspace, old_workspace.requests()[0].id, "cure", "cpu")
    confirm(old_workspace)
    run: RunHandle = create_run(
        old_workspace, old_workspace.requests()[0].id, "cure", "cpu", seed=1, steps=4, launched_by="olaf"
    )
    assert work(run) is RunState.DONE and is_recorded_adapter(run, open_ledger(old_workspace))
    assert run.evaluation and run.report and open_ledger(old_workspace).run_subjects(run.id)
