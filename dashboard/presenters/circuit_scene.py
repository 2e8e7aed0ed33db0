"""A circuit as the numbers that the explorer draws: pure, short, and the same for every theme.

Nodes: [id, label, title, group, sure, score, share for the forget set, for the retain set, across, up, side].
Edges, strongest first: [from, to, side, score by q, by k, by v, by anything else]. side: "in" or "out" of the circuit;
beside another circuit "both", "here", "there" or "out"; "end" for what is read and for the answer.
"""

from collections.abc import Sequence
from typing import Any

from core.types import Circuit, ModuleGroup
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, module_title
from dashboard.presenters.theme import COLOURS

START = 60  # connections shown at first
ENDS = ("input", "logits")
Pair = tuple[str, str]


def scene(circuit: Circuit, groups: Sequence[ModuleGroup], other: Circuit | None = None) -> dict[str, Any]:
    """What the explorer draws of a circuit, or of what it shares with another one of the same model."""
    rows = {row.module: row for row in groups}
    layers, heads = _size(circuit)
    nodes = [
        _node(name, score, rows[name], _side(name, circuit, other), layers, heads)
        for name, score in zip(circuit.modules, circuit.scores, strict=True)
    ]
    nodes += [
        [name, "", module_title(name), "", 1, 0, 0, 0, 0.5, up, "end"] for name, up in zip(ENDS, (0, 1), strict=True)
    ]
    index = {node[0]: place for place, node in enumerate(nodes)}
    return {
        "nodes": nodes,
        "edges": [[index[source], index[target], *rest] for (source, target), rest in _edges(circuit, other)],
        "axes": _axes(layers, heads),
        "columns": heads + 1,
        "rows": layers + 2,
        "start": START,
        "compare": other is not None,
        "colours": {group.value: colour for group, colour in COLOURS.items()},
    }


def _size(circuit: Circuit) -> tuple[int, int]:
    """Layers and heads of the model."""
    heads = [name.rpartition(".h")[2] for name in circuit.modules if ".h" in name]
    return sum(".h" not in name for name in circuit.modules), 1 + max(map(int, heads))


def _node(name: str, score: float, row: ModuleGroup, side: str, layers: int, heads: int) -> list:
    layer, _, head = name[1:].partition(".h")
    column = int(head) if head else heads
    numbers = (round(value, 4) for value in (row.membership_probability, score, row.forget, row.retain))
    return [
        name,
        head,
        module_title(name),
        row.group.value,
        *numbers,
        round(_across(column, heads), 4),
        round(_up(int(layer), layers), 4),
        side,
    ]


def _across(column: int, heads: int) -> float:
    return (column + 0.5) / (heads + 1)


def _up(layer: int, layers: int) -> float:
    return (layer + 1) / (layers + 1)


def _axes(layers: int, heads: int) -> list[dict]:
    """Layer numbers at the left, head numbers and the MLP under the lowest row."""
    left = [
        {"text": t("circuit-layer", layer=layer), "across": 0, "up": _up(layer, layers), "align": "right"}
        for layer in range(layers)
    ]
    below = 0.42 / (layers + 1)
    names = [str(head) for head in range(heads)] + [t("circuit-mlp")]
    return left + [
        {"text": name, "across": _across(column, heads), "up": below, "align": "center"}
        for column, name in enumerate(names)
    ]


def _side(name: str, circuit: Circuit, other: Circuit | None) -> str:
    here = name in circuit.members
    if other is None:
        return "in" if here else "out"
    there = name in other.members
    return "both" if here and there else "here" if here else "there" if there else "out"


def _edges(circuit: Circuit, other: Circuit | None) -> list[tuple[Pair, list]]:
    """Connected pairs with their side and scores, strongest first."""
    here, there = _pairs(circuit), _pairs(other) if other else {}
    found = {
        pair: ("in" if other is None else "both" if pair in there else "here", scores) for pair, scores in here.items()
    }
    found |= {pair: ("there", scores) for pair, scores in there.items() if pair not in here}
    ranked = sorted(found.items(), key=lambda item: -sum(map(abs, item[1][1])))
    return [(pair, [side, *(round(score, 5) for score in scores)]) for pair, (side, scores) in ranked]


def _pairs(circuit: Circuit) -> dict[Pair, list[float]]:
    """Scores by q, k, v and anything else of each connected pair."""
    found: dict[Pair, list[float]] = {}
    for edge in circuit.edges:
        found.setdefault((edge.source, edge.target), [0.0] * 4)["qkv".find(edge.input or " ")] += edge.score
    return found


def texts() -> dict[str, str]:
    """What the explorer says; braces are filled in by its script."""
    names = (
        "find", "find_hint", "pin", "unpin", "full", "leave_full", "reset", "feeds", "q", "k", "v", "other", "filters",
        "edges", "shown", "only", "alt", "none", "tip", "tip_compare", "side_both", "side_here", "side_there", "side_out",
    )  # fmt: skip
    hole = {
        name: f"{{{name}}}" for name in ("part", "group", "sure", "score", "forget", "retain", "side", "shown", "all")
    }
    found = {name: t(f"circuit-explorer-{name.replace('_', '-')}", **hole) for name in names}
    return found | {
        f"group_{group.value}": t("circuit-explorer-group", group=GROUP_NAMES[group], serves=words)
        for group, words in GROUP_WORDS.items()
    }
