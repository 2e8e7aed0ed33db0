"""The shipped demo world: whole, small, and its cheap parts rebuilt byte for byte."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.data.splits import assign_roles
from core.demo.build import PEOPLE, SCRATCH, SETTINGS, SUBJECTS, compare, digests
from core.demo.world import demo_subjects, make_world
from core.ledger.chain import entries, verify
from core.ledger.keys import read_public
from core.pipeline.collect_answers import collect_answers
from core.pipeline.context import load_adapter, make_context
from core.pipeline.prepare import base_tokenizer
from core.pipeline.stages import make_material
from core.report.summary import summarise
from core.runs.handle import runs
from core.runs.ledger import open_ledger
from core.runs.verify import _evidence, _identity
from core.types import Group, RunState, Verdict
from core.unlearning.methods import method_of
from core.unlearning.unlearn import CHECK_EVERY, unlearn
from core.utils.hashing import sha256_of_file
from core.utils.serialization import read_json, write_json_lines
from core.verification.suite import run_checks
from core.verification.thresholds import Thresholds
from core.workspace import Workspace
from core.workspace.run_layout import WEIGHTS

DEMO = Path(__file__).parents[2] / "assets/demo"
LIMIT = 12_000_000


@pytest.fixture(scope="module")
def world():
    return make_world(people=PEOPLE)


def test_every_file_has_the_manifests_digest():
    assert compare(read_json(DEMO / "manifest.json")["sha256"], digests(DEMO)) == ()


def test_it_is_small():
    assert sum(path.stat().st_size for path in DEMO.rglob("*") if path.is_file()) < LIMIT


def test_data_and_roles_are_rebuilt_byte_for_byte(world, tmp_path):
    write_json_lines(tmp_path / "items.jsonl", world.items)
    write_json_lines(tmp_path / "interactions.jsonl", world.interactions)
    for name in ("items.jsonl", "interactions.jsonl"):
        assert (tmp_path / name).read_bytes() == (DEMO / "data" / name).read_bytes()
    roles = assign_roles(world.interactions, 0.0, SCRATCH.holdout, SCRATCH.role_seed)  # the crowd is outside
    workspace = Workspace(DEMO)
    assert roles == workspace.user_split and workspace.settings == SETTINGS
    assert workspace.request("req-demo").users == demo_subjects(world, roles.members, SUBJECTS)


def test_the_tokenizer_is_rebuilt_byte_for_byte(world, tmp_path):
    crowd = make_world(people=100, first=PEOPLE + 1).interactions  # a fortieth of it knows every title too
    base_tokenizer(world.items, crowd, SETTINGS.task, SCRATCH).save_pretrained(tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == (DEMO / "base/tokenizer.json").read_bytes()


def test_it_holds_a_finished_run_against_three_references():
    run = runs(Workspace(DEMO))[0]
    assert run.status.state is RunState.DONE and run.report and run.circuits and run.groups
    assert len(run.evaluation.references) >= 3


def test_its_ledger_is_whole_and_tells_of_its_run_and_what_was_verified():
    key = read_public(DEMO / "ledger.pub")
    assert verify(DEMO / "ledger.jsonl", key).flaws == ()
    found = entries(DEMO / "ledger.jsonl", key)
    assert [one.kind for one in found] == ["ledger", "run", "verification"]
    run = runs(Workspace(DEMO))[0]
    assert (
        found[1].subjects["adapter after"]
        == found[2].subjects["adapter after"]
        == sha256_of_file(run.path / "adapter" / WEIGHTS)
    )
    assert sum(name.startswith("reference seed-") for name in found[2].subjects) == 3
    assert found[2].content["checks"] == json.loads((run.path / "verification.json").read_text())["checks"]


@pytest.fixture(scope="module")
def asked_of(tmp_path_factory):
    """A copy of the world, and what all of its models answer."""
    place = Workspace(shutil.copytree(DEMO, tmp_path_factory.mktemp("demo") / "copy"))
    return place, _evidence(runs(place)[0], "cpu", Thresholds(), False, lambda done: None)


@pytest.mark.slow
def test_its_verification_catches_who_forgot_nothing_and_lets_through_who_never_knew(asked_of):
    _, evidence = asked_of
    assert {one.id for one in run_checks(evidence.of_original()) if one.verdict is Verdict.FAIL} - {"V1", "V6"}
    for one in evidence.each_reference():
        assert [check.name for check in run_checks(one) if check.verdict is Verdict.FAIL] == []


@pytest.mark.slow
def test_its_verification_catches_a_model_that_was_broken_and_one_that_was_exchanged(asked_of):
    place, evidence = asked_of
    recommender = load_adapter(place, str(place.root / "adapter"), "cpu")
    context = make_context(place, place.requests()[0], recommender.tokenizer)
    ascent = replace(method_of("gradient_ascent_uncapped", CHECK_EVERY - 1), learning_rate=2e-2)  # nothing stops it
    material = make_material(recommender, context)
    unlearn(
        recommender.model, material, dict.fromkeys((one.module for one in runs(place)[0].groups), Group.SHARED), ascent
    )
    broken = run_checks(replace(evidence, model=collect_answers(recommender, context, False)))
    assert Verdict.FAIL in {one.verdict for one in broken if one.id in ("V9", "V10")}
    run = runs(place)[0]
    assert _identity(run, open_ledger(run.workspace)).verdict is Verdict.PASS
    shutil.copy(place.root / "adapter" / WEIGHTS, run.path / "adapter" / WEIGHTS)
    assert _identity(run, open_ledger(run.workspace)).verdict is Verdict.FAIL


def test_the_adapter_holds_its_people():
    """The forget set must be known clearly better than strangers, or there is nothing to demonstrate."""
    before = runs(Workspace(DEMO))[0].evaluation.original
    assert before.forget_auc.value > before.holdout_auc.value + 0.1
    assert before.membership_auc.value > 0.55


def test_its_adapter_beats_the_item_mean_and_its_run_takes_memory_away_at_no_cost():
    """Not the residual: retrained models differ so much from one another here that answer by answer nothing shows."""
    evaluation = runs(Workspace(DEMO))[0].evaluation
    before, after = evaluation.original, evaluation.unlearned
    assert before.test_auc.low > evaluation.item_mean_auc.high
    known = [metrics.forget_auc.value for metrics in evaluation.references]
    assert max(known) < after.forget_auc.value < before.forget_auc.value - 0.25 * (before.forget_auc.value - max(known))
    assert after.membership_auc.value < before.membership_auc.value - 0.02
    assert after.test_auc.value > before.test_auc.value - 0.005


def test_the_headline_reports_the_fall_of_the_auc_advantage():
    """The demo's own run: residual above 1, and two fifths of the advantage on the forgotten ratings gone."""
    folder = runs(Workspace(DEMO))[0]
    evaluation = folder.evaluation
    known = sum(one.forget_auc.value for one in evaluation.references) / len(evaluation.references)
    share = (evaluation.original.forget_auc.value - evaluation.unlearned.forget_auc.value) / (
        evaluation.original.forget_auc.value - known
    )
    headline = summarise(folder.spec, Workspace(DEMO).request("req-demo"), {}, (), evaluation).headline
    assert evaluation.closeness.residual > 1 and f"AUC advantage over those models fell by {share:.0%}" in headline
