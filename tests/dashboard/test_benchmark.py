"""The benchmark page on synthetic results: headline, controls, table and charts."""

from pathlib import Path

import numpy as np
import pytest

from core.benchmark.results import Result, write_results
from dashboard import charts
from dashboard.presenters import benchmark
from dashboard.services import benchmark_results
from tests.benchmark.test_sweep import make_result

SEEDS = range(5)


def make_results(control: float | None) -> list[Result]:
    """Results of CURE at 0.5, one equal, one better and two worse methods, and a control with residual `control`, if given."""
    rng, results = np.random.default_rng(0), []
    residuals = {"cure": 0.5, "npo": 0.5, "graddiff": 0.4, "uniform": 0.6, "weakened": 0.9, "cure_random": control}
    for seed in SEEDS:
        results += [make_result("original", seed, 1.0, 0.7), make_result("reference", seed, 0.8 + seed / 50, 0.7)]
        for name, residual in ((name, one) for name, one in residuals.items() if one is not None):
            for strength in (12.0, 48.0):
                value = (1 + residual) / 2 if strength == 12 else residual
                results.append(make_result(name, seed, value + rng.normal(0, 0.005), 0.7, strength=strength))
    return results


def make_sequential_results(taken: float = 0.05) -> list[Result]:
    """Results of two methods over three sequential requests; the second method changes nothing."""
    results = [make_result("original", seed, 1.0, 0.7, kind="row", forget_gap=0.2, drift=1.0) for seed in SEEDS]
    for seed in SEEDS:
        for served in (1.0, 2.0, 3.0):
            fields = {"kind": "row", "rate": 0.001, "strength": served}
            gap = 0.2 - taken * served + 0.001 * seed
            results.append(
                make_result("cure_merge", seed, 1 - served / 10, 0.7 + seed / 100, forget_gap=gap, drift=1.1, **fields)
            )
            results.append(make_result("npo", seed, 1.0, 0.7, forget_gap=0.2, drift=1.0, **fields))
    return results


@pytest.fixture
def write_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Function that writes synthetic results into the folder that the benchmark page reads."""

    def write(control: float | None = 0.7) -> None:
        write_results(tmp_path / "d.parquet", make_results(control))

    monkeypatch.setattr(benchmark_results, "BENCHMARK", tmp_path)
    return write


def test_page_without_results_names_the_command_that_makes_them(page, write_benchmark) -> None:
    app = page("benchmark")
    assert "No benchmark" in app.title[0].value and "core bench --quick" in app.markdown[0].value


def test_title_counts_better_and_worse_methods_by_paired_intervals(page, write_benchmark) -> None:
    write_benchmark()
    title = page("benchmark").title[0].value
    assert "CURE is ahead of 2 of 4 other methods and behind 1." in title


def test_title_says_that_random_modules_do_as_well(page, write_benchmark) -> None:
    write_benchmark(0.5)
    title = page("benchmark").title[0].value
    assert "behind 1, but 1 of its 1 controls do as well, random modules among them." in title


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (0.7, "is better than every control that was run here: random modules"),
        (0.5, "is not better than these controls: random modules"),
        (None, "no control of CURE was run here"),
    ],
)
def test_page_compares_cure_with_its_control(page, write_benchmark, control: float | None, words: str) -> None:
    write_benchmark(control)
    texts = page("benchmark").markdown
    assert any(words in element.value for element in texts)


def test_table_is_sorted_and_complete(page, write_benchmark) -> None:
    write_benchmark()
    frame = page("benchmark").dataframe[0].value
    assert list(frame["Residual"]) == sorted(frame["Residual"]) and len(frame) == 6
    assert frame["Method"].iloc[0] == benchmark.title("graddiff")


def test_tradeoff_chart_shows_means_over_seeds() -> None:
    results = make_results(0.7)
    points = benchmark.tradeoffs(results, ["cure", "npo"])
    own = [row.residual for row in results if (row.method, row.strength) == ("cure", 48.0)]
    assert len(points) == 4 and np.isclose(points["value"][1], np.mean(own))
    chart = charts.pareto(points, benchmark.floor(results), benchmark.start(results), 1, "residual").to_dict()
    assert chart["layer"][-1]["mark"]["type"] == "point"


def test_strength_missing_for_one_seed_is_not_drawn() -> None:
    results = [*make_results(0.7), make_result("cure", 0, 0.1, 0.7, strength=30.0)]
    assert set(benchmark.tradeoffs(results, ["cure"])["strength"]) == {12.0, 48.0}


def test_page_ranks_by_the_requested_measure(page, write_benchmark) -> None:
    write_benchmark()
    by_residual, by_gap = (page("benchmark", by=by).title[0].value for by in ("residual", "gap"))
    assert "ahead of 2 of 4" in by_residual and "ahead of none of 4 other methods and behind none" in by_gap


def test_differences_list_methods_before_controls_in_order() -> None:
    data = benchmark.differences(make_results(0.7), "cure")
    assert list(data["name"])[-1] == benchmark.title("cure_random") and list(data["value"][:-1]) == sorted(
        data["value"][:-1]
    )
    assert (data["low"] <= data["value"]).all() and (data["value"] <= data["high"]).all()
    charts.differences(data, "residual").to_dict()


def test_page_summarizes_sequential_requests(page, tmp_path: Path, monkeypatch) -> None:
    write_results(tmp_path / "d.parquet", make_sequential_results())
    monkeypatch.setattr(benchmark_results, "BENCHMARK", tmp_path)
    app = page("benchmark")
    assert "After 3 sequential requests" in (title := app.title[0].value)
    assert "scores 0.052 AUC above the retrained references" in title and "original model: +0.200" in title
    assert "changed by +0.020" in app.markdown[0].value
    frame = app.dataframe[0].value
    assert len(frame) == 2 and frame.loc[0, "Residual"] == pytest.approx(0.7)


def test_page_reports_over_forgetting_after_sequential_requests(page, tmp_path: Path, monkeypatch) -> None:
    write_results(tmp_path / "d.parquet", make_sequential_results(taken=0.1))
    monkeypatch.setattr(benchmark_results, "BENCHMARK", tmp_path)
    assert "forgotten too much" in (title := page("benchmark").title[0].value) and "0.098 AUC below" in title


def test_sequential_chart_starts_at_the_original_model() -> None:
    data = benchmark.sequential(make_sequential_results())
    own = data[(data["method"] == benchmark.title("npo")) & (data["measure"] == "Residual")]
    assert list(own["served"]) == [0, 1, 2, 3] and set(own["value"]) == {1.0}
    charts.sequential(own, "Residual").to_dict()
