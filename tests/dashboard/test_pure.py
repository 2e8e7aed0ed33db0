"""Charts, circuit drawings, tables and phrases, which are pure functions of results."""

import ast
import json
import math
from dataclasses import replace
from pathlib import Path

import altair as alt
import pytest

from core.runs.handle import runs
from core.types import (
    Advantage,
    Circuit,
    Closeness,
    CurvePoint,
    Edge,
    Group,
    Interval,
    Item,
    ModuleGroup,
    Overlap,
    Recommendation,
    Verdict,
    Verification,
)
from core.types.circuit import CERTAIN
from core.utils.serialization import write_json
from core.workspace import Workspace
from dashboard import charts
from dashboard.presenters import advantages, list_phrases, phrases, tables

MODULES = ("a0.h0", "a0.h1", "m0", "a1.h0", "a1.h1", "m1")
CIRCUIT = Circuit(
    modules=MODULES,
    scores=(0.5, -0.2, 0.1, 0.3, 0.0, -0.6),
    members=("m1", "a0.h0"),
    edges=(
        Edge("a0.h0", "a1.h0", "q", 0.2),
        Edge("a0.h0", "a1.h0", "v", -0.3),
        Edge("input", "m0", "", 0.4),
        Edge("m1", "logits", "", 0.9),
    ),
    curve=(CurvePoint(0, 0.0, 0.0), CurvePoint(2, 0.9, 0.1), CurvePoint(6, 1.0, 1.0)),
    faithfulness=0.9,
    threshold=0.85,
    clean=1.0,
    corrupted=0.1,
    prompts=8,
    dropped=0,
    membership_probability=(0.8, 0.3, 0.1, 0.4, 0.0, 1.0),
    overlap=0.6,
    reads=((0.0,) * 6, (0.1, 0.0, 0.0, 0.2, 0.0, -0.5), (0.4, -0.2, 0.1, 0.1, 0.0, -0.1)),
)
GROUPS = tuple(
    ModuleGroup(name, group, 0.2, 0.1, 2 / 3, 0.05, 0.1)
    for name, group in zip(MODULES, [*Group, Group.OUTSIDE, Group.OUTSIDE], strict=True)
)


ITEMS = {name: Item(name, f"The {name}", ("Drama", "Comedy")) for name in "abc"}


def rows(*names: str) -> tuple[Recommendation, ...]:
    return tuple(Recommendation(name, f"The {name}", 1.0) for name in names)


def test_chart_of_read_positions_counts_back_from_the_target() -> None:
    data = charts.places(CIRCUIT, 1).data
    assert list(data["module"].unique()) == ["MLP of layer 1"]
    assert list(data["place"]) == ["instruction", "target title", "1 back"]
    assert list(data["support"]) == [0.0, 0.5, 0.1] and set(data["side"]) == {"supports the prediction"}


def test_overlap_sentence_states_share_of_two_halves() -> None:
    sentence = phrases.overlap_sentence(CIRCUIT)
    assert "share 60% of their modules" in sentence and "random circuits of this size would share 20%" in sentence
    assert "One prompt" in phrases.overlap_sentence(replace(CIRCUIT, overlap=None))


def test_module_table_shows_certainty_if_known() -> None:
    table = tables.modules(GROUPS, (CIRCUIT, replace(CIRCUIT, membership_probability=()))).set_index("Module")
    assert table["Certainty, forget circuit"].loc[["m1", "a1.h1", "a0.h1"]].tolist() == [1.0, 1.0, 0.7]
    assert table["Certainty, retain circuit"].isna().all()


def test_every_chart_is_valid_and_has_no_remote_data() -> None:
    step = {
        "kind": "step",
        "step": 1,
        "steps": 2,
        "forget_loss": 0.5,
        "forget_nll": 0.6,
        "holdout_loss": None,
        "conflict": 0.2,
    }
    built = [
        charts.reads(CIRCUIT, "m1"),
        charts.places(CIRCUIT, 2),
        charts.faithfulness(CIRCUIT),
        charts.losses([{"kind": "stage", "stage": "unlearning"}, step]),
        charts.distance(Closeness(0.4, 0.1, 0.1), [Closeness(0.3, 0.1, 0.1)]),
        charts.distance(Closeness(1.4, 0.1, 0.1), []),
        charts.slopes(rows("a", "b"), rows("b", "c")),
        charts.genres({"original": rows("a"), "unlearned": rows("b")}, ITEMS),
        charts.overlaps((Overlap("u1", 0.9, 0.4, 0.2), Overlap("u2", 1.0, None, 0.1))),
    ]
    for chart in built:
        text = json.dumps(chart.to_dict())
        assert '"url"' not in text
        alt.Chart.from_dict(chart.to_dict())


@pytest.mark.parametrize("path", sorted(Path(charts.__file__).parent.glob("*.py")), ids=lambda path: path.stem)
def test_charts_encode_by_channel_objects(path: Path) -> None:
    """Altair takes 8 ms for each string or bare value, and the pages have dozens of them."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    encoded = [
        keyword.value
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "encode"
        for keyword in call.keywords
    ]
    slow = ("alt.value", "alt.datum", "alt.condition")
    assert not [ast.unparse(value) for value in encoded if ast.unparse(value).startswith(("'", *slow))]


def test_loss_chart_shows_only_comparable_losses() -> None:
    step = {"kind": "step", "step": 1, "forget_loss": 0.05, "retain_loss": 0.4, "forget_nll": 0.6, "conflict": 0.2}
    chart = charts.losses([step, {"kind": "step", "step": 2, "forget_loss": 0.04}])
    assert [(row["step"], row["loss"], row["set"]) for row in chart.data.to_dict("records")] == [(1, 0.6, "forget set")]


def test_run_without_steps_has_no_loss_chart() -> None:
    assert charts.losses([{"kind": "stage", "stage": "loading"}]) is None


@pytest.mark.parametrize(
    ("item", "word"), [("a", "down 1"), ("b", "up 1"), ("c", "removed"), ("d", "new"), ("e", "same")]
)
def test_rank_change_is_described_in_words(item: str, word: str) -> None:
    assert list_phrases.rank_change(item, rows("a", "b", "c", "e"), rows("b", "a", "d", "e")) == word


def test_list_sentence_counts_removed_and_moved_titles() -> None:
    assert list_phrases.lists_sentence(rows("a", "b"), rows("a", "b")) == "All 2 recommendations keep their rank."
    assert (
        list_phrases.lists_sentence(rows("a", "b", "c"), rows("b", "a", "d"))
        == "1 title of 3 left the list and 2 changed rank."
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "an unknown time"), (0.2, "1 second"), (41, "41 seconds"), (100, "2 minutes"), (9000, "2.5 hours")],
)
def test_duration_is_rounded_to_a_readable_unit(seconds: float | None, text: str) -> None:
    assert phrases.duration(seconds) == text


def test_circuit_sentence_agrees_in_number() -> None:
    assert phrases.circuit_sentence(GROUPS) == "1 of 6 modules of the model serves mainly the forgotten user's data."
    two = tuple(replace(row, group=Group.FORGET) for row in GROUPS[:2])
    assert phrases.circuit_sentence(two) == "2 of 2 modules of the model serve mainly the forgotten user's data."
    assert (
        phrases.circuit_sentence(two[:0] + GROUPS[1:])
        == "None of the 5 modules of the model serves mainly the forgotten user's data."
    )


def test_circuit_sentence_counts_uncertain_modules_apart() -> None:
    one, other = (
        replace(row, group=Group.FORGET, membership_probability=sure)
        for row, sure in zip(GROUPS[:2], (CERTAIN, 0.32), strict=True)
    )
    assert phrases.circuit_sentence((one, other)) == (
        "1 of 2 modules of the model serves mainly the forgotten user's data; one more may, at under 95% certainty."
    )
    assert phrases.circuit_sentence((other, other)) == (
        "None of the 2 modules of the model is sure to serve mainly the forgotten user's data; "
        "2 may, at under 95% certainty."
    )


def test_interval_is_compared_with_the_references_in_words() -> None:
    others = [Interval(value, value, value, 9) for value in (0.50, 0.52)]
    assert tables.against(Interval(0.51, 0.4, 0.6, 9), others) == "like the references"
    assert tables.against(Interval(0.55, 0.51, 0.6, 9), others) == "a little above the references"
    assert tables.against(Interval(0.45, 0.44, 0.46, 9), others) == "below the references"
    assert tables.against(Interval(0.45, 0.44, 0.46, 9), []) == ""


def test_advantage_is_charted_with_its_share_rounded_outwards() -> None:
    found = Advantage(
        "auc", Interval(0.2, 0.1, 0.3, 9), Interval(0.05, -0.1, 0.1, 9), (-0.01, 0.01), Interval(0.75, 0.688, 1.054, 9)
    )
    assert advantages.frame(found).values.tolist() == [
        ["before", 0.2, 0.1, 0.3],
        ["after", 0.05, -0.1, 0.1],
        ["reference", -0.01, -0.01, -0.01],
        ["reference", 0.01, 0.01, 0.01],
    ]
    assert advantages.share_forgotten(found) == "Forgotten: **75%** (68% to 106%)"
    for unknown in (None, Interval(math.nan, math.nan, math.nan, 9)):
        assert "too uncertain" in advantages.share_forgotten(replace(found, forgotten=unknown))


def test_level_of_intervals_follows_the_confidence_of_the_verdict() -> None:
    first = Verification("r", "", Verdict.PASS, (), {}, details={"confidence": 0.95})
    assert advantages.interval_level(None) == advantages.interval_level(first) == "90"
    assert advantages.interval_level(replace(first, details={"confidence": 0.975})) == "95"


def test_sentences_claim_no_more_than_the_intervals_support(demo: Path) -> None:
    evaluation = next(run.evaluation for run in runs(Workspace(demo)) if run.evaluation)

    def after(name: str, value: float, low: float, high: float):
        return replace(evaluation, unlearned=replace(evaluation.unlearned, **{name: Interval(value, low, high, 9)}))

    found = phrases.membership(after("membership_auc", 0.7, 0.6, 0.8))
    assert (
        "picks the forgotten one 70 times out of 100; before it was 55" in found and "never saw the data 50." in found
    )
    alone = replace(after("membership_auc", 0.7, 0.6, 0.8), references=())
    assert "before it was 55. Guessing" in phrases.membership(alone)
    assert "too few users" in phrases.membership(after("membership_auc", 0.7, math.nan, math.nan))
    assert "worse" in phrases.utility(after("test_auc", 0.0, 0.0, 0.0))
    assert "no change" in phrases.utility(after("test_auc", evaluation.original.test_auc.value, 0.0, 1.0))


def test_invalid_date_is_shown_unchanged() -> None:
    assert phrases.date("yesterday") == "yesterday"
    assert phrases.date(0) == "1 Jan 1970"
    assert phrases.date(10**18) == str(10**18)


def test_changed_result_file_is_read_again(demo: Path) -> None:
    from dashboard.services import queries

    run = next(run for run in queries.runs().values() if run.groups)
    first = queries.groups(run)
    assert queries.groups(run) is first and queries.outcome(run) == run.outcome  # kept, and each under its own name
    write_json(run.layout.groups, (first or ())[:3])
    assert len(queries.groups(run) or ()) == 3
