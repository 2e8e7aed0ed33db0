"""Compare page: the runs of the address side by side, what it refuses, and the ticks of the overview that lead there."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.runs.handle import RunHandle
from core.types import RunState
from core.utils.serialization import read_json, write_json
from dashboard.presenters.phrases import duration
from dashboard.services import comparison
from tests.dashboard.conftest import open_page
from tests.dashboard.test_not_found import warnings
from tests.dashboard.test_pages import text_of


def compare(runs: str) -> AppTest:
    app = open_page("compare", {"runs": runs})
    assert not app.error
    return app


def chosen(app: AppTest) -> list[str]:
    return app.multiselect(key="pick_runs").value


def copies(demo: Path, count: int) -> list[str]:
    """Add copies of the run with circuits, with ids of their own."""
    names = [f"run-copy{number}" for number in range(count)]
    source = RunHandle(demo / "runs/run-demo")
    for name in names:
        copy = RunHandle(shutil.copytree(source.path, source.path.with_name(name)))
        write_json(copy.layout.spec, replace(source.spec, id=name))
    return names


def test_address_restores_the_comparison(demo: Path) -> None:
    app = compare("run-demo,run-retrained")
    assert chosen(app) == ["run-demo", "run-retrained"] and not app.warning
    assert app.title[0].value == "run\\-retrained alone passes its verification; run\\-demo took the least time."
    text = text_of(app)
    assert "**100%**: it was trained again without the data." in text
    assert "**73%** (45% to 145%)" in text and "Measured by: Membership attack" in text
    assert "AUC fell by **0.004** (-0.005 to 0.014)" in text
    assert "This method searches for no circuit." in text and "forget: 1" in text
    took = [duration(RunHandle(demo / "runs" / name).status.seconds) for name in ("run-demo", "run-retrained")]
    assert "144 steps" in text and all(f"**{time}**" in text for time in took)
    assert "different requests" not in text


def test_choice_on_the_page_is_kept_in_the_address(demo: Path) -> None:
    app = compare("run-demo,run-retrained")
    app.multiselect(key="pick_runs").set_value(["run-demo", "run-broken"]).run()
    assert app.query_params["runs"] in ("run-demo,run-broken", ["run-demo,run-broken"])
    assert "different requests" in text_of(app) and chosen(app) == ["run-demo", "run-broken"]
    app.multiselect(key="pick_runs").set_value([]).run()
    assert "runs" not in app.query_params and app.title[0].value == "Compare two to six finished runs."


def test_unknown_and_unfinished_runs_are_said_and_not_replaced(demo: Path) -> None:
    broken = RunHandle(demo / "runs/run-broken")
    write_json(broken.layout.status, replace(broken.status, state=RunState.CANCELLED))
    app = compare("run-demo,run-gone,run-broken")
    assert "Run `run-gone` was not found" in warnings(app)
    assert "Run `run-broken` is not finished" in warnings(app)
    assert chosen(app) == ["run-demo"] and "One run is chosen: add at least one more" in text_of(app)


def test_more_than_six_runs_are_cut_and_named(demo: Path) -> None:
    names = copies(demo, 7)
    app = compare(",".join(names))
    assert chosen(app) == names[:6]
    assert "7 runs were asked for, and at most 6 fit" in warnings(app) and "`run-copy6`" in warnings(app)
    assert "None of these 6 runs is shown to be ahead" in app.title[0].value


def test_equal_circuits_overlap_completely(demo: Path) -> None:
    (name,) = copies(demo, 1)
    size = len(comparison.facts(comparison.finished()["run-demo"]).circuit)
    assert f"have {size} of {size} modules in common (100%)" in text_of(compare(f"run-demo,{name}"))


def test_page_counts_an_id_once(demo: Path) -> None:
    assert chosen(compare("run-demo,run-demo")) == ["run-demo"]


def test_page_asks_for_two_finished_runs(demo: Path) -> None:
    for name in ("run-broken", "run-forgotten", "run-retrained"):
        shutil.rmtree(demo / "runs" / name)
    app = open_page("compare")
    assert "this workspace has one" in text_of(app) and not app.multiselect


def test_unverified_run_is_compared_without_an_interval(demo: Path) -> None:
    (demo / "runs/run-demo/verification.json").unlink()
    text = text_of(compare("run-demo,run-retrained"))
    assert "Not verified yet" in text and "the interval needs a verification" in text
    assert "Not compared, because it is not known for every run" in text


def test_numbers_are_those_of_the_verification(demo: Path) -> None:
    found = comparison.facts(comparison.finished()["run-forgotten"])
    stored = read_json(demo / "runs/run-forgotten/verification.json")
    by_measure = {one["measure"]: one for one in stored["advantages"]}
    assert found.shares["log_loss"].value == by_measure["log_loss"]["forgotten"]["value"]
    assert found.membership.high == by_measure["membership"]["unlearned"]["high"]
    assert found.fall.value == stored["details"]["test_auc_fall"]


@pytest.mark.parametrize("ticks", [1, 2])
def test_ticks_on_the_overview_lead_to_the_comparison(demo: Path, ticks: int) -> None:
    app = open_page("overview")
    for name in ("run-demo", "run-retrained")[:ticks]:
        app.checkbox(key=f"tick_{name}").check()
    app.run()
    offered = [one.proto.label for one in app.get("page_link") if "ticked" in one.proto.label]
    assert offered == (["Compare the 2 ticked runs"] if ticks == 2 else [])
    assert ("Tick 2 to 6 finished runs" in text_of(app)) == (ticks < 2)
