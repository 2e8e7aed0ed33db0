"""Shipped demo workspace: complete, small, and reproducible byte for byte in its cheap parts."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.data.splits import split_users
from core.data.templates import FILMS, read_template
from core.demo.build import compare, digests, world_data
from core.demo.world import demo_subjects, make_world
from core.demo.worlds import CINEMA
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.models.recommender import adapter_weights, put_adapter_weights
from core.pipeline.collect_answers import collect_answers
from core.pipeline.context import load_adapter, make_context
from core.pipeline.prepare import base_tokenizer
from core.runs.answer_files import AnswerFiles
from core.runs.handle import RunHandle, open_run
from core.runs.ledger import open_ledger
from core.runs.verify import _evidence, _identity, context_of
from core.types import Check, Group, RunState, Verdict
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json_lines
from core.verification.equivalence import exact_value
from core.verification.evidence import Evidence
from core.verification.suite import NEVER_RUN, run_suite
from core.verification.thresholds import Thresholds
from core.workspace import Workspace
from core.workspace.run_layout import WEIGHTS

DEMO = Path(__file__).parents[2] / "assets/demo"
LIMIT = 12_000_000


@pytest.fixture(scope="module")
def world():
    return world_data(CINEMA)


def test_files_match_manifest_digests():
    assert compare(read_json(DEMO / "manifest.json")["sha256"], digests(CINEMA, DEMO)) == ()


def test_demo_is_smaller_than_the_limit():
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < LIMIT


def test_data_and_roles_are_rebuilt_byte_for_byte(world, tmp_path):
    write_json_lines(tmp_path / "items.jsonl", world.items)
    write_json_lines(tmp_path / "interactions.jsonl", world.interactions)
    for name in ("items.jsonl", "interactions.jsonl"):
        assert (tmp_path / name).read_bytes() == (DEMO / "data" / name).read_bytes()
    # The base model's users are in no file of the demo.
    roles = split_users(world.interactions.users(), 0.0, CINEMA.scratch.held_out_share, CINEMA.scratch.user_split_seed)
    workspace = Workspace(DEMO)
    assert roles == workspace.user_split and workspace.settings == CINEMA.settings
    for wanted in CINEMA.requests:
        users = demo_subjects(world, roles.training_users, len(roles.training_users))[wanted.subjects]
        assert workspace.request(wanted.id).subjects == users
    assert len(workspace.request("req-demo").users) == round(0.05 * len(roles.training_users))


def test_tokenizer_is_rebuilt_byte_for_byte(world, tmp_path):
    crowd = make_world(
        people=100, first=CINEMA.people + 1
    ).interactions  # a fortieth of these users rated every title too
    base_tokenizer(world.items, crowd, read_template(FILMS, CINEMA.settings.task), CINEMA.scratch).save_pretrained(
        tmp_path
    )
    assert (tmp_path / "tokenizer.json").read_bytes() == (DEMO / "base/tokenizer.json").read_bytes()


VERDICTS = {
    "run-demo": (Verdict.INCONCLUSIVE, Verdict.NO_TRACE),
    "run-retrained": (Verdict.EXACT,),
    "run-broken": (Verdict.FAIL,),
    "run-forgotten": (Verdict.PASS,),
}


def run_of(id: str, root: Path = DEMO) -> RunHandle:
    return open_run(Workspace(root), id)


@pytest.mark.parametrize(("id", "allowed"), VERDICTS.items(), ids=str)
def test_demo_holds_a_finished_run_for_each_verdict(id, allowed):
    run = run_of(id)
    assert run.status.state is RunState.DONE and run.report and run.verification.verdict in allowed
    assert len(run.evaluation.references) == CINEMA.references and run.verification.thresholds == Thresholds().digest
    assert set(run.verification.not_run) == set(NEVER_RUN)


def test_demo_holds_a_circuit_and_a_memory_contrast():
    assert run_of("run-demo").circuits and run_of("run-forgotten").memory
    assert {row.group for row in run_of("run-demo").groups} == set(Group)


def test_ledger_is_valid_and_records_references_runs_and_verifications():
    key = read_public(DEMO / "ledger.pub")
    assert verify(DEMO / "ledger.jsonl", key).flaws == ()
    found = entries(DEMO / "ledger.jsonl", key)
    kinds = Counter(one.kind for one in found)
    assert kinds == {
        "ledger": 1, "request": len(CINEMA.requests), "reference": CINEMA.references * len(CINEMA.requests),
        "run": len(VERDICTS), "overlap": sum(run.lists for one in CINEMA.requests for run in one.runs),
        "verification": len(VERDICTS),
    }  # fmt: skip
    signed = {one.content["run"]: one for one in found if one.kind == "verification"}
    for id, entry in signed.items():
        run = run_of(id)
        assert entry.subjects["adapter after"] == sha256_of_file(run.path / "adapter" / WEIGHTS)
        assert sum(name.startswith("reference seed-") for name in entry.subjects) == CINEMA.references
        assert entry.content["checks"] == json.loads((run.path / "verification.json").read_text())["checks"]


@pytest.fixture(scope="module")
def copy_and_evidence(tmp_path_factory):
    """A copy of the demo, and the outputs of all models of the run that passes."""
    copy = Workspace(shutil.copytree(DEMO, tmp_path_factory.mktemp("demo") / "copy"))
    run = open_run(copy, "run-forgotten")
    files = AnswerFiles(run.spec.request, open_ledger(copy))
    references = files.trained(copy.reference_folders(run.spec.request))
    return copy, _evidence(run, files, references, context_of(run), "cpu", Thresholds(), False)[0]


def judged(evidence: Evidence) -> tuple[Verdict, str]:
    ids = ("V12", "V0", "V0")
    codes = ("adapter_identity", "thresholds_frozen", "references_distinct")
    files = [Check(id, Verdict.PASS, exact_value(1, 1), 1, 1, None, code) for id, code in zip(ids, codes, strict=True)]
    found = run_suite("run", evidence, files)
    return found.verdict, found.reason


@pytest.mark.slow
def test_stored_verdict_is_computed_again(copy_and_evidence):
    assert judged(copy_and_evidence[1]) == (Verdict.PASS, "")


@pytest.mark.slow
def test_original_never_passes_under_another_digest(copy_and_evidence):
    copy, evidence = copy_and_evidence
    recommender = load_adapter(copy, str(copy.root / "adapter"), "cpu")
    context = make_context(copy, copy.request("req-demo"), recommender.tokenizer)
    weights = adapter_weights(recommender.model)
    noise = torch.Generator().manual_seed(0)
    changes = {
        "permuted and rescaled": lambda name, value: 2 * value.flip(0) if "lora_A" in name else value.flip(1) / 2,
        "with noise": lambda _name, value: value + 0.002 * value.std() * torch.randn(value.shape, generator=noise),
    }
    for change in changes.values():
        put_adapter_weights(recommender.model, {name: change(name, value) for name, value in weights.items()})
        found = judged(replace(evidence, model=collect_answers(recommender, context, False)))
        assert found == (Verdict.FAIL, "unchanged")


@pytest.mark.slow
def test_replaced_adapter_is_detected(copy_and_evidence):
    copy, _ = copy_and_evidence
    run = open_run(copy, "run-demo")
    assert _identity(run, open_ledger(run.workspace)).verdict is Verdict.PASS
    shutil.copy(copy.root / "adapter" / WEIGHTS, run.path / "adapter" / WEIGHTS)
    assert _identity(run, open_ledger(run.workspace)).verdict is Verdict.FAIL


def test_adapter_memorises_its_training_users():
    """The original must predict the forget set clearly better than held-out users, or the demo shows nothing."""
    before = run_of("run-forgotten").evaluation.original
    assert before.forget_auc.value > before.holdout_auc.value + 0.08
    assert before.membership_auc.value > 0.55
    assert before.test_auc.low > run_of("run-forgotten").evaluation.item_mean_auc.high


def test_two_retrainings_agree():
    """Goal of the recipe: what another seed changes is small beside what was memorised."""
    for one in run_of("run-forgotten").evaluation.advantages:
        assert max(map(abs, one.references)) < 0.1 * one.original.value
