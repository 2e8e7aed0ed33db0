"""The benchmark page on rows with made-up figures: who is ahead, what the controls say, what is drawn."""

from pathlib import Path

import numpy as np
import pytest

from core.benchmark.results import Result, write_results
from dashboard import charts
from dashboard.presenters import benchmark
from dashboard.services import queries
from tests.benchmark.test_sweep import make_result

SEEDS = range(5)


def rows(control: float | None) -> list[Result]:
    """CURE at .5, an equal, a better and two worse rivals; `control`: the residual of random parts, where they take part."""
    rng, found = np.random.default_rng(0), []
    residuals = {"cure": 0.5, "npo": 0.5, "graddiff": 0.4, "uniform": 0.6, "weakened": 0.9, "cure_random": control}
    for seed in SEEDS:
        found += [make_result("original", seed, 1.0, 0.7), make_result("reference", seed, 0.8 + seed / 50, 0.7)]
        for name, residual in ((name, one) for name, one in residuals.items() if one is not None):
            for strength in (12.0, 48.0):
                value = (1 + residual) / 2 if strength == 12 else residual
                found.append(make_result(name, seed, value + rng.normal(0, 0.005), 0.7, strength=strength))
    return found


def rows_in_a_row(taken: float = 0.05) -> list[Result]:
    """Two methods over three requests; the second one does nothing."""
    found = [make_result("original", seed, 1.0, 0.7, kind="row", forget_gap=0.2, drift=1.0) for seed in SEEDS]
    for seed in SEEDS:
        for served in (1.0, 2.0, 3.0):
            told = {"kind": "row", "rate": 0.001, "strength": served}
            gap = 0.2 - taken * served + 0.001 * seed
            found.append(
                make_result("cure_merge", seed, 1 - served / 10, 0.7 + seed / 100, forget_gap=gap, drift=1.1, **told)
            )
            found.append(make_result("npo", seed, 1.0, 0.7, forget_gap=0.2, drift=1.0, **told))
    return found


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def write(control: float | None = 0.7) -> None:
        write_results(tmp_path / "d.parquet", rows(control))

    monkeypatch.setattr(queries, "BENCHMARK", tmp_path)
    return write


def test_without_rows_the_page_says_how_to_get_them(page, measured) -> None:
    app = page("benchmark")
    assert "No benchmark" in app.title[0].value and "core bench --quick" in app.markdown[0].value


def test_the_first_sentence_counts_rivals_by_paired_intervals(page, measured) -> None:
    measured()
    title = page("benchmark").title[0].value
    assert "CURE is ahead of 2 of 4 other methods and behind 1." in title


@pytest.mark.parametrize(
    ("control", "words"),
    [
        (0.7, "is better than every control that was run here: random modules"),
        (0.5, "is not better than these controls: random modules"),
        (None, "no control of CURE was run here"),
    ],
)
def test_a_control_that_does_as_well_is_told_first(page, measured, control: float | None, words: str) -> None:
    measured(control)
    told = page("benchmark").markdown
    assert any(words in element.value for element in told)


def test_the_table_is_sorted_and_whole(page, measured) -> None:
    measured()
    frame = page("benchmark").dataframe[0].value
    assert list(frame["Residual"]) == sorted(frame["Residual"]) and len(frame) == 6
    assert frame["Method"].iloc[0] == benchmark.title("graddiff")


def test_ways_are_means_over_seeds_and_the_chart_holds_them() -> None:
    found = rows(0.7)
    points = benchmark.tradeoffs(found, ["cure", "npo"])
    own = [row.residual for row in found if (row.method, row.strength) == ("cure", 48.0)]
    assert len(points) == 4 and np.isclose(points["value"][1], np.mean(own))
    chart = charts.pareto(points, benchmark.floor(found), benchmark.start(found), 1, "residual").to_dict()
    assert chart["layer"][-1]["mark"]["type"] == "point"


def test_strengths_that_not_every_seed_has_are_not_drawn() -> None:
    found = [*rows(0.7), make_result("cure", 0, 0.1, 0.7, strength=30.0)]
    assert set(benchmark.tradeoffs(found, ["cure"])["strength"]) == {12.0, 48.0}


def test_the_page_judges_by_what_is_asked(page, measured) -> None:
    measured()
    by_residual, by_gap = (page("benchmark", by=by).title[0].value for by in ("residual", "gap"))
    assert "ahead of 2 of 4" in by_residual and "ahead of none of 4 other methods and behind none" in by_gap


def test_differences_put_rivals_before_controls_and_the_ones_behind_first() -> None:
    data = benchmark.differences(rows(0.7), "cure")
    assert list(data["name"])[-1] == benchmark.title("cure_random") and list(data["value"][:-1]) == sorted(
        data["value"][:-1]
    )
    assert (data["low"] <= data["value"]).all() and (data["value"] <= data["high"]).all()
    charts.differences(data, "residual").to_dict()


def test_requests_in_a_row_are_followed_from_the_first_to_the_last(page, tmp_path: Path, monkeypatch) -> None:
    write_results(tmp_path / "d.parquet", rows_in_a_row())
    monkeypatch.setattr(queries, "BENCHMARK", tmp_path)
    app = page("benchmark")
    assert "After 3 sequential requests" in (title := app.title[0].value)
    assert "scores 0.052 AUC above the retrained references" in title and "original model: +0.200" in title
    assert "changed by +0.020" in app.markdown[0].value
    frame = app.dataframe[0].value
    assert len(frame) == 2 and frame.loc[0, "Residual"] == pytest.approx(0.7)


def test_too_much_forgotten_in_a_row_is_called_so(page, tmp_path: Path, monkeypatch) -> None:
    write_results(tmp_path / "d.parquet", rows_in_a_row(taken=0.1))
    monkeypatch.setattr(queries, "BENCHMARK", tmp_path)
    assert "forgotten too much" in (title := page("benchmark").title[0].value) and "0.098 AUC below" in title


def test_a_row_of_requests_starts_at_the_original_and_ends_at_the_last_one() -> None:
    data = benchmark.sequential(rows_in_a_row())
    own = data[(data["method"] == benchmark.title("npo")) & (data["measure"] == "Residual")]
    assert list(own["served"]) == [0, 1, 2, 3] and set(own["value"]) == {1.0}
    charts.sequential(own, "Residual").to_dict()
