"""The harness on a real small workspace: everybody on the same scenario, nothing measured twice, the original put back."""

import os
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.benchmark.entrants import CONTROLS, ENTRANTS
from core.benchmark.report import render_report, write_report
from core.benchmark.results import Result, TuningTrial, read_results, write_results
from core.benchmark.scenarios import KINDS, make_scenario, open_request, references_of
from core.benchmark.sequential import sequential_requests
from core.benchmark.sharded_baselines import ANSWERS, COUNT, alike, by_chance
from core.benchmark.statistics import CRITERIA, fronts, is_control, standing
from core.benchmark.sweep import ALL, Sweep, run_sweep
from core.benchmark.trials import REACHED, STEPS, STRENGTHS, load_scenario, trial
from core.benchmark.tuning import best_setting
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
def bench(prepared, tmp_path_factory):
    """A finished small sweep, and the lines that it announced."""
    from core.workspace import Workspace

    folder, said = tmp_path_factory.mktemp("bench"), []
    sweep = Sweep(
        Workspace(prepared), folder / "scenarios", folder / "out/unlearning/tiny.parquet", seeds=(0,),
        methods=METHODS_HERE, references=2, device="cpu", settings=((1e-3, 0.4), (3e-3, 0.1)),
    )  # fmt: skip
    run_sweep(sweep, quiet, said.append)
    return sweep, said


@pytest.mark.slow
def test_every_scenario_holds_every_entrant_once(bench):
    sweep, _ = bench
    rows = read_results(sweep.rows)
    for seed in sweep.seeds:
        own = [row for row in rows if row.seed == seed]
        assert {row.method for row in own} == {*METHODS_HERE, *ANSWERS, "original", "reference", "weakened"} - {
            "shards"
        }
        assert sum(row.method == "reference" for row in own) == 2
        assert sum(row.method == "weakened" for row in own) == len(STRENGTHS)
        original = next(row for row in own if row.method == "original")
        assert (original.residual, original.drift, original.reach) == (1, 1, 0)
        for name in ("cure", "graddiff"):
            points = [row for row in own if row.method == name]
            assert [(row.strength, row.stopped) for row in points] == [(n, n == STEPS[-1]) for n in STEPS]
            assert all(row.seconds > 0 and 0 <= row.moved <= 1 for row in points)
        merged = [row for row in own if row.method == "cure_merge"]
        assert sum(row.stopped for row in merged) == 1 and {row.strength for row in merged} <= set(MOVE_MULTIPLES)
        assert [row.strength for row in merged if not row.stopped] == [n for n in REACHED if n <= merged[-1].strength]


@pytest.mark.slow
def test_nothing_is_measured_twice(bench):
    sweep, _ = bench
    before, said = sweep.rows.read_bytes(), []
    run_sweep(sweep, quiet, said.append)
    assert said == [] and sweep.rows.read_bytes() == before


@pytest.mark.slow
def test_a_lost_result_is_measured_again_with_the_same_numbers(bench):
    sweep, _ = bench
    rows, again = read_results(sweep.rows), []
    write_results(sweep.rows, [row for row in rows if (row.seed, row.method) != (0, "graddiff")])
    run_sweep(sweep, quiet, again.append)
    assert len(again) == 1
    untimed = lambda row: replace(row, seconds=0, circuit_seconds=0, memory=0)  # noqa: E731
    key = lambda row: (row.seed, row.method, row.strength, row.test_auc)  # noqa: E731
    told = lambda rows: [repr(untimed(row)) for row in sorted(rows, key=key)]  # noqa: E731  (NaN equals nothing)
    assert told(read_results(sweep.rows)) == told(rows)


@pytest.mark.slow
def test_tuning_tries_each_method_equally_often_and_controls_take_their_methods_rate(bench):
    from core.utils.serialization import read_json

    sweep, _ = bench
    trials = read_json(sweep.rows.with_suffix(".tuning.json"), tuple[TuningTrial, ...])
    assert {one.method for one in trials} == {"cure", "cure_merge", "graddiff"}
    assert all(sum(one.method == name for one in trials) == 2 for name in ("cure", "graddiff"))
    rows = read_results(sweep.rows)
    rate = {name: {(row.rate, row.weight) for row in rows if row.method == name} for name in ("cure", "cure_random")}
    assert rate["cure"] == rate["cure_random"] == {best_setting(trials, "cure")}


@pytest.mark.slow
def test_the_report_has_a_section_for_each_world(bench):
    sweep, _ = bench
    text = write_report(sweep.rows.parent.parent).read_text(encoding="utf-8")
    assert "cure" in text.split("\n")[2] and "## tiny, click, random: 1 seed" in text and "## Tuning" in text
    assert "nan" not in text


@pytest.mark.slow
def test_a_trial_puts_the_original_back(bench):
    sweep, _ = bench
    place = make_scenario(sweep.source, 0, sweep.folder / "tiny-0", quiet)
    scenario = load_scenario(place, open_request(place, "random", 0), "cpu")
    before = {name: value.clone() for name, value in scenario.recommender.model.state_dict().items()}
    next(trial(scenario, "npo", ENTRANTS["npo"], (1e-3, 0.4), 0))
    after = scenario.recommender.model.state_dict()
    assert set(before) == set(after) and all(torch.equal(value, after[name]) for name, value in before.items())


@pytest.fixture(scope="module")
def sequential_scenario(bench):
    """Three users with sequential requests, and two references."""
    sweep, _ = bench
    place = make_scenario(sweep.source, 0, sweep.folder / "tiny-0", quiet)
    members = place.user_split.members
    request = Request("req-three", users=members[:3], reason="row", created=CREATED)
    write_json(place.root / "requests/req-three.json", request)
    references_of(place, request, 2, "cpu", quiet)
    return load_scenario(place, request, "cpu")


@pytest.mark.slow
def test_sequential_requests_each_forget_one_more_user(sequential_scenario, monkeypatch):
    seen = []
    from core.benchmark import sequential as module

    plain = module.unlearn
    monkeypatch.setattr(
        module, "unlearn", lambda model, material, *rest: seen.append(material) or plain(model, material, *rest)
    )
    rows = list(sequential_requests(sequential_scenario, "cure", ENTRANTS["cure"], (1e-3, 0.4), 0))
    assert [row.strength for row in rows] == [1, 2, 3] and [row.stopped for row in rows] == [False, False, True]
    whole = sequential_scenario.context.split
    assert [len(m.forget) for m in seen] == [
        sum(p.user == user for p in whole.forget) for user in sequential_scenario.context.request.users
    ]
    assert [len(m.retain) - len(whole.retain) for m in seen] == [
        sum(len(m.forget) for m in seen[turn + 1 :]) for turn in range(3)
    ]
    assert rows[0].seconds < rows[1].seconds < rows[2].seconds
    assert all(
        torch.equal(v, sequential_scenario.weights[n])
        for n, v in sequential_scenario.recommender.model.named_parameters()
        if n in sequential_scenario.weights
    )


@pytest.mark.slow
@pytest.mark.parametrize("divide", [by_chance, alike])
def test_shards_divide_the_training_users_evenly(sequential_scenario, divide):
    people = sequential_scenario.context.workspace.user_split.members
    parts = divide(people, sequential_scenario, 0)
    assert sorted(user for part in parts for user in part) == sorted(people) and len(parts) == COUNT
    assert max(map(len, parts)) <= -(-len(people) // COUNT)


def test_requests_of_every_kind_can_be_served(workspace):
    for kind in KINDS:
        first, again = (open_request(workspace, kind, 3) for _ in range(2))
        assert first == again and set(first.subjects) <= set(workspace.user_split.members)
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


def test_every_method_takes_part():
    assert set(METHODS) - {"retrain"} <= set(ALL) and "negation" in ALL


def test_controls_are_known_by_their_names():
    assert {name for name in ALL if is_control(name)} == set(CONTROLS)


def test_an_unknown_method_is_refused_before_any_work(workspace, tmp_path):
    with pytest.raises(RunError, match="magic"):
        Sweep(workspace, tmp_path, tmp_path / "rows.parquet", methods=("magic",))


def made(method, seed, residual, test_auc, **told):
    """A result with made-up numbers, to test arithmetic."""

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
            **told,
        }
    )


def test_a_gap_counts_in_either_direction_and_may_judge_otherwise_than_the_residual():
    rng, rows = np.random.default_rng(0), []
    for seed in range(5):
        rows.append(made("original", seed, 1.0, 0.7, forget_gap=0.15))
        for name, residual, left in (("cure_merge", 0.9, 0.01), ("npo", 0.8, -0.08), ("cure_all_shared", 0.9, 0.05)):
            noise = rng.normal(0, 0.002, 2)
            rows.append(made(name, seed, residual + noise[0], 0.7, forget_gap=left + noise[1]))
    by_residual, by_gap = (standing(rows, "cure_merge", value) for value in CRITERIA.values())
    assert (by_residual.ahead, by_residual.behind) == ((), ("npo",))
    assert (by_gap.ahead, by_gap.behind, by_gap.as_good) == (("npo",), (), ())
    told = render_report(rows, {})
    assert "| gap | cure_merge | npo | none | none | none |" in told
    assert "| residual | cure_merge | none | npo | none | none |" in told


def test_a_front_takes_only_points_within_the_budget():
    rows = [
        made("original", 0, 1.0, 0.7),
        made("npo", 0, 0.9, 0.699),
        made("npo", 0, 0.5, 0.69),
        made("graddiff", 0, 1.4, 0.7),
    ]
    assert fronts(rows, 0.005) == {"npo": {0: 0.9}, "graddiff": {0: 1.0}}
    assert fronts(rows, 0.02)["npo"] == {0: 0.5}


def test_the_headline_follows_paired_intervals():
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(5):
        hard = rng.normal(0, 0.3)  # scenarios differ far more than methods: only pairing shows the difference
        rows.append(made("original", seed, 1.0, 0.7))
        for name, residual in (("cure", 0.5), ("npo", 0.6), ("cure_random", 0.5), ("graddiff", 0.4)):
            rows.append(made(name, seed, residual + hard * 0.1 + rng.normal(0, 0.005), 0.7))
    told = render_report(rows, {})
    assert "Controls do as well as CURE" in told.split("\n")[2] and "cure_random" in told.split("\n")[2]
    assert "| residual | cure | npo | graddiff | none | cure_random |" in told
    without = render_report([row for row in rows if row.method != "cure_random"], {})
    assert "No control took part" in without.split("\n")[2]


def test_a_control_that_removes_nothing_is_not_counted():
    rows = [made("original", seed, 1.0, 0.7) for seed in range(3)]
    for seed in range(3):
        for name, residual in (("cure", 0.5), ("cure_no_projection", 0.5), ("cure_random", 0.8)):
            rows.append(made(name, seed, residual + seed / 1000, 0.7, strength=48.0))
    found = standing(rows, "cure")
    assert (found.controls, found.as_good, found.inert) == (("cure_random",), (), ("cure_no_projection",))
    assert "are not counted: cure_no_projection." in render_report(rows, {}).split("\n")[2]


def test_own_stops_are_compared_apart_from_best_points_and_keep_their_costs():
    """The best point may be another one; where it is the original, the costs are those of the own stop."""
    rows = [made("original", seed, 1.0, 0.7) for seed in range(3)]
    for seed in range(3):
        for name, early, late in (("cure", 0.5, 1.4), ("npo", 0.6, 1.2), ("graddiff", 1.1, 1.3)):
            told = {"rate": 0.01, "seconds": 7.0}
            rows.append(made(name, seed, early + seed / 1000, 0.7, strength=12.0, **told | {"stopped": False}))
            rows.append(made(name, seed, late, 0.7, strength=48.0, forget_gap=late / 10, **told))
    best, stopped = render_report(rows, {}).split("Each method at its own stop")
    assert "| cure | npo | -0.100 ± 0.000 | 0.000 ± 0.000 |" in best
    assert "| cure | npo | 0.200 ± 0.000 | 0.020 ± 0.000 |" in stopped
    assert "| cure | graddiff | 0.100 ± 0.000 | 0.010 ± 0.000 |" in stopped
    line = next(one for one in best.split("\n") if one.startswith("| graddiff | 1.000") and one.count("|") == 11)
    assert " 7.0 | 0.0 | " in line


def test_results_are_read_as_they_were_written(tmp_path):
    rows = [made("cure", 0, 1.0, 0.7), made("npo", 1, 0.3, float("nan"))]
    write_results(tmp_path / "rows.parquet", rows)
    back = read_results(tmp_path / "rows.parquet")
    assert back[0] == rows[0] and np.isnan(back[1].test_auc) and read_results(tmp_path / "none.parquet") == []


def test_results_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "new" / "rows.parquet"
    write_results(path, [made("cure", 0, 1.0, 0.7)])
    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(WorkspaceError, match="cannot be written"):
        write_results(path, [])
    assert len(read_results(path)) == 1 and [file.name for file in path.parent.iterdir()] == ["rows.parquet"]


def refused(*_):
    raise OSError("refused")
