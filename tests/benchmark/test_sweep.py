"""Benchmark sweep on a small workspace: scenarios, entrants, tuning, controls, statistics and report."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from core.benchmark.entrants import CONTROLS, ENTRANTS
from core.benchmark.report import render_report, write_report
from core.benchmark.results import Result, TuningTrial, read_results, write_results
from core.benchmark.scenarios import KINDS, make_scenario, open_request, references_of
from core.benchmark.sequential import sequential_requests
from core.benchmark.sharded_baselines import COMBINERS, COUNT, alike, by_chance
from core.benchmark.statistics import CRITERIA, fronts, is_control, standing
from core.benchmark.sweep import ALL, Sweep, run_sweep
from core.benchmark.trials import MEASURED_MULTIPLES, STEPS, WEAKENED_FACTORS, load_scenario, trial
from core.benchmark.tuning import best_setting
from core.cli.app import app
from core.cli.benchmark import LATER
from core.demo.build import CREATED
from core.errors import RequestError, RunError, WorkspaceError
from core.types import Group, Request
from core.unlearning.methods import METHODS
from core.unlearning.task_vectors import MOVE_MULTIPLES
from core.utils.serialization import write_json

METHODS_HERE = ("cure", "cure_merge", "graddiff", "cure_random", "negation", "shards")


def quiet(*_):
    return False


@pytest.fixture(scope="module")
def sweep(prepared, tmp_path_factory):
    """A finished sweep of one seed and six methods."""
    from core.workspace import Workspace

    folder = tmp_path_factory.mktemp("bench")
    finished = Sweep(
        Workspace(prepared), folder / "scenarios", folder / "out/unlearning/tiny.parquet", seeds=(0,),
        methods=METHODS_HERE, references=2, device="cpu", settings=((1e-3, 0.4), (3e-3, 0.1)),
    )  # fmt: skip
    run_sweep(finished, quiet, quiet)
    return finished


@pytest.mark.slow
def test_sweep_measures_every_entrant_once_in_each_scenario(sweep):
    rows = read_results(sweep.rows)
    for seed in sweep.seeds:
        own = [row for row in rows if row.seed == seed]
        assert {row.method for row in own} == {*METHODS_HERE, *COMBINERS, "original", "reference", "weakened"} - {
            "shards"
        }
        assert sum(row.method == "reference" for row in own) == 2
        assert sum(row.method == "weakened" for row in own) == len(WEAKENED_FACTORS)
        original = next(row for row in own if row.method == "original")
        assert (original.residual, original.drift, original.reach) == (1, 1, 0)
        for name in ("cure", "graddiff"):
            points = [row for row in own if row.method == name]
            assert [(row.strength, row.stopped) for row in points] == [(n, n == STEPS[-1]) for n in STEPS]
            assert all(row.seconds > 0 and 0 <= row.movable_share <= 1 for row in points)
        merged = [row for row in own if row.method == "cure_merge"]
        assert sum(row.stopped for row in merged) == 1 and {row.strength for row in merged} <= set(MOVE_MULTIPLES)
        assert [row.strength for row in merged if not row.stopped] == [
            n for n in MEASURED_MULTIPLES if n <= merged[-1].strength
        ]


@pytest.mark.slow
def test_command_in_parts_measures_what_one_command_does(prepared, tmp_path):
    """As on a machine that is lent for minutes: each call trains or measures one thing, and none of it twice."""
    where = ("--scenarios", str(tmp_path / "scenarios"), "--out", str(tmp_path))
    command = ["bench", "-w", str(prepared), "--quick", "--methods", "graddiff,negation", "--device", "cpu", *where]
    told, codes = [], []
    while not codes or (codes[-1] == LATER and len(codes) < 20):
        result = CliRunner().invoke(app, [*command, "--minutes", "1e-9"])
        told, codes = [*told, *result.output.splitlines()], [*codes, result.exit_code]
    assert len(codes) > 3 and codes == [LATER] * (len(codes) - 1) + [0]
    assert (tmp_path / "unlearning.md").is_file()
    (rows,) = (tmp_path / "unlearning").glob("*.parquet")
    measured = [(one.method, one.strength) for one in read_results(rows)]
    assert len(measured) == len(set(measured)) and {"graddiff", "negation", "original"} <= {one for one, _ in measured}
    assert sum("the time is up" in line.lower() for line in told) == len(codes) - 1


@pytest.mark.slow
def test_finished_sweep_measures_nothing_again(sweep):
    before, lines = sweep.rows.read_bytes(), []
    run_sweep(sweep, quiet, lines.append)
    assert lines == [] and sweep.rows.read_bytes() == before


@pytest.mark.slow
def test_sweep_reproduces_a_missing_result(sweep):
    rows, lines = read_results(sweep.rows), []
    write_results(sweep.rows, [row for row in rows if (row.seed, row.method) != (0, "graddiff")])
    run_sweep(sweep, quiet, lines.append)
    assert len(lines) == 1
    untimed = lambda row: replace(row, seconds=0, circuit_seconds=0, peak_mib=0)  # noqa: E731
    key = lambda row: (row.seed, row.method, row.strength, row.test_auc)  # noqa: E731
    # Texts are compared because NaN differs from itself.
    texts = lambda rows: [repr(untimed(row)) for row in sorted(rows, key=key)]  # noqa: E731
    assert texts(read_results(sweep.rows)) == texts(rows)


@pytest.mark.slow
def test_tuning_tries_methods_equally_often_and_controls_reuse_rates(sweep):
    from core.utils.serialization import read_json

    trials = read_json(sweep.rows.with_suffix(".tuning.json"), tuple[TuningTrial, ...])
    assert {one.method for one in trials} == {"cure", "cure_merge", "graddiff"}
    assert all(sum(one.method == name for one in trials) == 2 for name in ("cure", "graddiff"))
    rows = read_results(sweep.rows)
    rate = {name: {(row.rate, row.weight) for row in rows if row.method == name} for name in ("cure", "cure_random")}
    assert rate["cure"] == rate["cure_random"] == {best_setting(trials, "cure")}


@pytest.mark.slow
def test_report_has_a_section_for_each_workspace(sweep):
    text = write_report(sweep.rows.parent.parent).read_text(encoding="utf-8")
    assert "cure" in text.split("\n")[2] and "## tiny, click, random: 1 seed" in text and "## Tuning" in text
    assert "nan" not in text


@pytest.mark.slow
def test_trial_restores_the_original_weights(sweep):
    copied = make_scenario(sweep.source, 0, sweep.folder / "tiny-0", quiet)
    scenario = load_scenario(copied, open_request(copied, "random", 0), "cpu")
    before = {name: value.clone() for name, value in scenario.recommender.model.state_dict().items()}
    next(trial(scenario, "npo", ENTRANTS["npo"], (1e-3, 0.4), 0))
    after = scenario.recommender.model.state_dict()
    assert set(before) == set(after) and all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.fixture(scope="module")
def sequential_scenario(sweep):
    """A scenario with a request of three users, who are served one after another, and two references."""
    copied = make_scenario(sweep.source, 0, sweep.folder / "tiny-0", quiet)
    members = copied.user_split.training_users
    request = Request("req-three", users=members[:3], reason="row", created=CREATED)
    write_json(copied.root / "requests/req-three.json", request)
    references_of(copied, request, 2, "cpu", quiet)
    return load_scenario(copied, request, "cpu")


@pytest.mark.slow
def test_each_sequential_request_forgets_one_more_user(sequential_scenario, monkeypatch):
    prompts_seen = []
    from core.benchmark import sequential as module

    original_unlearn = module.unlearn_adapter
    monkeypatch.setattr(
        module,
        "unlearn_adapter",
        lambda model, prompts, *rest: prompts_seen.append(prompts) or original_unlearn(model, prompts, *rest),
    )
    rows = list(sequential_requests(sequential_scenario, "cure", ENTRANTS["cure"], (1e-3, 0.4), 0))
    assert [row.strength for row in rows] == [1, 2, 3] and [row.stopped for row in rows] == [False, False, True]
    whole = sequential_scenario.context.split
    assert [len(m.forget) for m in prompts_seen] == [
        sum(p.user == user for p in whole.forget) for user in sequential_scenario.context.request.users
    ]
    assert [len(m.retain) - len(whole.retain) for m in prompts_seen] == [
        sum(len(m.forget) for m in prompts_seen[turn + 1 :]) for turn in range(3)
    ]
    assert rows[0].seconds < rows[1].seconds < rows[2].seconds
    assert all(
        torch.equal(v, sequential_scenario.weights[n])
        for n, v in sequential_scenario.recommender.model.named_parameters()
        if n in sequential_scenario.weights
    )


@pytest.mark.slow
@pytest.mark.parametrize("divide", [by_chance, alike])
def test_shards_divide_training_users_evenly(sequential_scenario, divide):
    users = sequential_scenario.context.workspace.user_split.training_users
    parts = divide(users, sequential_scenario, 0)
    assert sorted(user for part in parts for user in part) == sorted(users) and len(parts) == COUNT
    assert max(map(len, parts)) <= -(-len(users) // COUNT)


def test_request_of_every_kind_is_opened(workspace):
    for kind in KINDS:
        first, second = (open_request(workspace, kind, 3) for _ in range(2))
        assert first == second and set(first.subjects) <= set(workspace.user_split.training_users)
    assert len(open_request(workspace, "single", 3).subjects) == 1
    assert len(open_request(workspace, "row", 3).users) == 5
    assert open_request(workspace, "genre", 3).interactions
    with pytest.raises(RequestError, match="random, heavy, single, genre, row"):
        open_request(workspace, "everybody", 3)


def test_controls_change_groups_as_documented():
    import random

    kinds = {f"a0.h{i}": list(Group)[i % 4] for i in range(8)} | {"m0": Group.FORGET, "m1": Group.OUTSIDE}
    for name in ("cure_random", "cure_inverted"):
        changed = CONTROLS[name].regroup(kinds, random.Random(1))
        assert changed.keys() == kinds.keys() and changed != kinds
        for letter in ("a", "m"):
            sizes = [sorted(g for n, g in table.items() if n[0] == letter) for table in (kinds, changed)]
            assert sizes[0] == sizes[1] or name == "cure_inverted"
    assert Group.RETAIN not in CONTROLS["cure_frozen_retain"].regroup(kinds, random.Random(1)).values()
    assert CONTROLS["cure_inverted"].regroup(kinds, random.Random(1))["m0"] is Group.RETAIN


def test_every_method_is_an_entrant():
    assert set(METHODS) - {"retrain"} <= set(ALL) and "negation" in ALL


def test_controls_are_recognized_by_name():
    assert {name for name in ALL if is_control(name)} == set(CONTROLS)


def test_unknown_method_is_refused_before_any_work(workspace, tmp_path):
    with pytest.raises(RunError, match="magic"):
        Sweep(workspace, tmp_path, tmp_path / "rows.parquet", methods=("magic",))


def make_result(method, seed, residual, test_auc, **fields):
    """A synthetic benchmark result; fields without a value are zero."""
    names = Result.__dataclass_fields__
    blank = {name: 0.0 for name in names} | {"data": "d", "task": "click", "kind": "random", "stopped": True}
    return Result(
        **{
            **blank,
            "method": method,
            "seed": seed,
            "residual": residual,
            "test_auc": test_auc,
            "forget_gap": 0.1,
            **fields,
        }
    )


def test_gap_counts_both_directions_and_ranks_unlike_the_residual():
    rng, rows = np.random.default_rng(0), []
    for seed in range(5):
        rows.append(make_result("original", seed, 1.0, 0.7, forget_gap=0.15))
        for name, residual, left in (("cure_merge", 0.9, 0.01), ("npo", 0.8, -0.08), ("cure_all_shared", 0.9, 0.05)):
            noise = rng.normal(0, 0.002, 2)
            rows.append(make_result(name, seed, residual + noise[0], 0.7, forget_gap=left + noise[1]))
    by_residual, by_gap = (standing(rows, "cure_merge", value) for value in CRITERIA.values())
    assert (by_residual.ahead, by_residual.behind) == ((), ("npo",))
    assert (by_gap.ahead, by_gap.behind, by_gap.as_good) == (("npo",), (), ())
    text = render_report(rows, {})
    assert "| gap | cure_merge | npo | none | none | none |" in text
    assert "| residual | cure_merge | none | npo | none | none |" in text


def test_front_includes_only_points_within_the_utility_budget():
    rows = [
        make_result("original", 0, 1.0, 0.7),
        make_result("npo", 0, 0.9, 0.699),
        make_result("npo", 0, 0.5, 0.69),
        make_result("graddiff", 0, 1.4, 0.7),
    ]
    assert fronts(rows, 0.005) == {"npo": {0: 0.9}, "graddiff": {0: 1.0}}
    assert fronts(rows, 0.02)["npo"] == {0: 0.5}


def test_headline_follows_paired_intervals():
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(5):
        hard = rng.normal(0, 0.3)  # seeds differ far more than methods, so only paired differences are significant
        rows.append(make_result("original", seed, 1.0, 0.7))
        for name, residual in (("cure", 0.5), ("npo", 0.6), ("cure_random", 0.5), ("graddiff", 0.4)):
            rows.append(make_result(name, seed, residual + hard * 0.1 + rng.normal(0, 0.005), 0.7))
    text = render_report(rows, {})
    assert "Controls do as well as CURE" in text.split("\n")[2] and "cure_random" in text.split("\n")[2]
    assert "| residual | cure | npo | graddiff | none | cure_random |" in text
    without = render_report([row for row in rows if row.method != "cure_random"], {})
    assert "No control was measured" in without.split("\n")[2]


def test_control_that_equals_its_method_is_not_counted():
    rows = [make_result("original", seed, 1.0, 0.7) for seed in range(3)]
    for seed in range(3):
        for name, residual in (("cure", 0.5), ("cure_no_projection", 0.5), ("cure_random", 0.8)):
            rows.append(make_result(name, seed, residual + seed / 1000, 0.7, strength=48.0))
    found = standing(rows, "cure")
    assert (found.controls, found.as_good, found.inert) == (("cure_random",), (), ("cure_no_projection",))
    assert "are not counted: cure_no_projection." in render_report(rows, {}).split("\n")[2]


def test_own_stops_are_compared_separately_from_best_points():
    """If a method's best point is the original model, the table shows the costs at the method's own stop."""
    rows = [make_result("original", seed, 1.0, 0.7) for seed in range(3)]
    for seed in range(3):
        for name, early, late in (("cure", 0.5, 1.4), ("npo", 0.6, 1.2), ("graddiff", 1.1, 1.3)):
            costs = {"rate": 0.01, "seconds": 7.0}
            rows.append(make_result(name, seed, early + seed / 1000, 0.7, strength=12.0, **costs | {"stopped": False}))
            rows.append(make_result(name, seed, late, 0.7, strength=48.0, forget_gap=late / 10, **costs))
    best, stopped = render_report(rows, {}).split("Each method at its stopping point")
    assert "| cure | npo | -0.100 ± 0.000 | 0.000 ± 0.000 |" in best
    assert "| cure | npo | 0.200 ± 0.000 | 0.020 ± 0.000 |" in stopped
    assert "| cure | graddiff | 0.100 ± 0.000 | 0.010 ± 0.000 |" in stopped
    line = next(one for one in best.split("\n") if one.startswith("| graddiff | 1.000") and one.count("|") == 11)
    assert " 7.0 | 0.0 | " in line


def test_written_results_are_read_unchanged(tmp_path):
    rows = [make_result("cure", 0, 1.0, 0.7), make_result("npo", 1, 0.3, float("nan"))]
    write_results(tmp_path / "rows.parquet", rows)
    loaded = read_results(tmp_path / "rows.parquet")
    assert loaded[0] == rows[0] and np.isnan(loaded[1].test_auc) and read_results(tmp_path / "none.parquet") == []


def test_results_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "rows.parquet"
    write_results(path, [make_result("cure", 0, 1.0, 0.7)])
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(WorkspaceError, match="cannot be written"):
        write_results(path, [])
    assert len(read_results(path)) == 1 and [file.name for file in path.parent.iterdir()] == ["rows.parquet"]


def refused(*_args, **_options):
    raise OSError("refused")
