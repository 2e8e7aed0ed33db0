"""Shipped demo world on SmolLM2: complete, small, with answers in place of weights, and the same verdict again."""

from collections import Counter
from dataclasses import replace

import pytest

from core.data.splits import split_users
from core.demo.build import compare, digests, world_data
from core.demo.world import demo_subjects
from core.demo.worlds import PRETRAINED
from core.evaluation.metrics import prediction_auc
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.pipeline.compare_models import evaluate_model
from core.pipeline.context import load_adapter, make_context
from core.pipeline.kept_answers import ReferenceAnswers
from core.review.evidence_digest import check_ready
from core.runs.answer_files import AnswerFiles, reference_digest
from core.runs.handle import open_run
from core.runs.ledger import open_ledger
from core.types import Group, RunState
from core.utils.assets import asset
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json_lines
from core.workspace import Workspace
from core.workspace.run_layout import AdapterLayout

WORLD = asset("demo-smollm2")
LIMIT = 12_000_000
RUNS = {run.id: request for request in PRETRAINED.requests for run in request.runs}
MODULES = 300


def run_of(id, root=WORLD):
    return open_run(Workspace(root), id)


def test_files_match_manifest_digests():
    assert compare(read_json(WORLD / "manifest.json")["sha256"], digests(PRETRAINED, WORLD)) == ()


def test_world_is_smaller_than_the_limit():
    assert sum(path.stat().st_size for path in WORLD.rglob("*") if path.is_file()) < LIMIT


def test_data_roles_and_requests_are_rebuilt(tmp_path):
    world = world_data(PRETRAINED)
    write_json_lines(tmp_path / "items.jsonl", world.items)
    write_json_lines(tmp_path / "interactions.jsonl", world.interactions)
    for name in ("items.jsonl", "interactions.jsonl"):
        assert (tmp_path / name).read_bytes() == (WORLD / "data" / name).read_bytes()
    scratch = PRETRAINED.scratch
    roles = split_users(world.interactions.users(), 0.0, scratch.held_out_share, scratch.user_split_seed)
    workspace = Workspace(WORLD)
    assert roles == workspace.user_split
    assert replace(workspace.settings, base_note="") == PRETRAINED.settings
    for wanted in PRETRAINED.requests:
        users = demo_subjects(world, roles.training_users, len(roles.training_users))[wanted.subjects]
        assert workspace.request(wanted.id).subjects == users


@pytest.mark.parametrize("id", RUNS)
def test_each_request_has_a_finished_run_that_can_be_submitted(id):
    run = run_of(id)
    assert run.status.state is RunState.DONE and run.report and run.spec.request == RUNS[id].id
    assert len(run.evaluation.references) == PRETRAINED.references
    check_ready(run, open_ledger(run.workspace))  # signed by its worker and its verification


def test_circuit_and_memory_contrast_cover_the_modules_of_the_llm():
    groups = run_of("run-circuit").groups
    assert len(groups) == MODULES and {row.group for row in groups} <= set(Group) and run_of("run-circuit").circuits
    assert len(run_of("run-merge").memory) == MODULES


def test_ledger_holds_the_digests_of_answers_and_of_the_weights_that_are_not_shipped():
    key = read_public(WORLD / "ledger.pub")
    assert verify(WORLD / "ledger.jsonl", key).flaws == ()
    kinds = Counter(one.kind for one in entries(WORLD / "ledger.jsonl", key))
    references = PRETRAINED.references * len(PRETRAINED.requests)
    assert (kinds["reference"], kinds["run"], kinds["verification"]) == (references, len(RUNS), len(RUNS))
    ledger, workspace = open_ledger(Workspace(WORLD)), Workspace(WORLD)
    for request in PRETRAINED.requests:
        folders = workspace.reference_folders(request.id)
        assert len(folders) == PRETRAINED.references
        assert ledger.reference_digests(request.id) == {one.name: {"weights": reference_digest(one)} for one in folders}
        answers = [file for one in folders for file in AdapterLayout(one).answer_files()]
        assert {sha256_of_file(file) for file in answers} == set(ledger.entered_answers(request.id).values())
        assert not any(AdapterLayout(one).weights.exists() for one in folders)


@pytest.mark.slow
def test_numbers_are_computed_again_and_shipped_answers_fit_the_fetched_base(smollm2):
    """The run's model answers again; the references, which have no weights, answer from their files."""
    run = run_of("run-merge")
    recommender = load_adapter(run.workspace, str(run.layout.adapter), "cpu")
    context = make_context(run.workspace, run.workspace.request(run.spec.request), recommender.tokenizer)
    found = evaluate_model(recommender, context)
    stored = run.evaluation
    assert prediction_auc(found.forget) == pytest.approx(stored.unlearned.forget_auc.value, abs=0.01)
    references = ReferenceAnswers(
        AnswerFiles(run.spec.request, open_ledger(run.workspace)), context, recommender, "cpu"
    )
    _, *folders = run.workspace.reference_folders(run.spec.request)  # the first one was asked for lists too
    for folder, metrics in zip(folders, stored.references[1:], strict=True):
        answers = references.of(folder, "evaluation", found, lambda _: pytest.fail("no answers were found"))
        assert prediction_auc(answers.forget) == pytest.approx(metrics.forget_auc.value)
