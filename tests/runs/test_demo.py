"""The shipped demo world: whole, small, and its cheap parts rebuilt byte for byte."""

from pathlib import Path

import pytest

from core.data.split import assign_roles
from core.data.world import demo_subjects, make_world
from core.files import read_json
from core.prepare import base_tokenizer
from core.report.sentences import summarise
from core.runs.demo import PEOPLE, SCRATCH, SETTINGS, SUBJECTS, compare, digests
from core.runs.folder import runs
from core.types import RunState
from core.workspace import Workspace, write_lines

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
    write_lines(tmp_path / "items.jsonl", world.items)
    write_lines(tmp_path / "interactions.jsonl", world.interactions)
    for name in ("items.jsonl", "interactions.jsonl"):
        assert (tmp_path / name).read_bytes() == (DEMO / "data" / name).read_bytes()
    roles = assign_roles(world.interactions, 0.0, SCRATCH.holdout, SCRATCH.role_seed)  # the crowd is outside
    workspace = Workspace(DEMO)
    assert roles == workspace.roles and workspace.settings == SETTINGS
    assert workspace.request("req-demo").users == demo_subjects(world, roles.members, SUBJECTS)


def test_the_tokenizer_is_rebuilt_byte_for_byte(world, tmp_path):
    crowd = make_world(people=100, first=PEOPLE + 1).interactions  # a fortieth of it knows every title too
    base_tokenizer(world.items, crowd, SETTINGS.task, SCRATCH).save_pretrained(tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == (DEMO / "base/tokenizer.json").read_bytes()


def test_it_holds_a_finished_run_against_three_references():
    run = runs(Workspace(DEMO))[0]
    assert run.status.state is RunState.DONE and run.report and run.circuits and run.groups
    assert len(run.evaluation.references) >= 3


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


def test_memory_that_went_is_told_even_where_answers_came_no_closer():
    """The demo's own run: residual above 1, and two fifths of the advantage on the forgotten ratings gone."""
    folder = runs(Workspace(DEMO))[0]
    evaluation = folder.evaluation
    known = sum(one.forget_auc.value for one in evaluation.references) / len(evaluation.references)
    share = (evaluation.original.forget_auc.value - evaluation.unlearned.forget_auc.value) / (
        evaluation.original.forget_auc.value - known
    )
    headline = summarise(folder.spec, Workspace(DEMO).request("req-demo"), {}, (), evaluation).headline
    assert evaluation.closeness.residual > 1 and f"yet {share:.0%} of its advantage" in headline
