"""The graph of one prompt of the demo: its columns are the user's titles, and impossible questions are refused."""

import pytest

from core.errors import RunError
from core.pipeline.circuit_stage import CIRCUIT_HISTORY
from core.pipeline.context import load_adapter, make_context
from core.pipeline.single_prompt import trace_prompt
from core.utils.assets import asset
from core.workspace import Workspace


@pytest.fixture(scope="module")
def world():
    workspace = Workspace(asset("demo"))
    recommender = load_adapter(workspace, str(workspace.adapter), "cpu")
    return recommender, make_context(workspace, workspace.request("req-demo"), recommender.tokenizer)


def test_columns_are_the_titles_before_the_target(world):
    recommender, context = world
    user = context.request.subjects[0]
    history = context.histories[user]
    target = history[20]
    shares = []
    traced = trace_prompt(recommender, context, user, target.item, progress=shares.append)
    titles = [context.workspace.items[event.item].title for event in history[20 - CIRCUIT_HISTORY : 21]]
    assert traced.columns[1:] == tuple(titles) and traced.columns[0].startswith("Films this person watched")
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
    circuit = traced.circuit(10, "one", "demo")
    assert circuit.graph.columns == traced.columns and len(circuit.graph.nodes) > 10
    slots = [traced.attribution.slots.index(traced.pair.slots[start]) for start, _ in traced.pair.spans]
    assert {node.column for node in circuit.graph.nodes if node.module == "input"} == set(slots)
    assert slots and set(slots) <= set(range(1, CIRCUIT_HISTORY + 1))
    again = trace_prompt(recommender, context, user, target.item)
    assert again.circuit(10, "one", "demo") == circuit


@pytest.mark.parametrize("user", ["nobody", "first"])
def test_title_without_history_is_refused(world, user):
    recommender, context = world
    first = context.request.subjects[0]
    item = context.histories[first][0].item
    with pytest.raises(RunError, match="choose one of the user's titles"):
        trace_prompt(recommender, context, first if user == "first" else user, item)
