"""A circuit as the numbers that the explorer component draws; compact, pure and independent of the theme.

Nodes: [id, label, title, group, certainty, score, forget share, retain share, across, up, side,
rank by absolute score, column, level]. A layer's heads stand at its level, its MLP half a level higher.
Edges, strongest first: [source, target, side, score by q, by k, by v, by other inputs].
side: "in" or "out" of the circuit; in a comparison of two circuits "both", "here", "there" or "out"; "end" for the
user history and the prediction.
"""

from collections.abc import Sequence
from typing import Any

from core.types import Circuit, ModuleGroup
from dashboard.presenters.i18n import t
from dashboard.presenters.phrases import GROUP_NAMES, GROUP_WORDS, module_title
from dashboard.presenters.theme import COLOURS, OPPOSES, SUPPORTS

START = 60  # connections drawn at first
ENDS = ("input", "logits")
Pair = tuple[str, str]


def scene(circuit: Circuit, groups: Sequence[ModuleGroup], other: Circuit | None = None) -> dict[str, Any]:
    """Return the data of the explorer.

    Args:
        circuit: The circuit to draw.
        groups: Group of each module.
        other: A circuit of the same model to compare with.
    """
    rows = {row.module: row for row in groups}
    layers, heads = grid_size(circuit)
    ranked = sorted(circuit.scores, key=lambda score: -abs(score))
    nodes = [
        _node(name, score, rows[name], _side(name, circuit, other), layers, heads, ranked.index(score))
        for name, score in zip(circuit.modules, circuit.scores, strict=True)
    ]
    nodes += [
        [name, "", module_title(name), "", 1, 0, 0, 0, 0.5, up, "end", -1, heads / 2, level]
        for name, up, level in zip(ENDS, (0, 1), (-1, layers), strict=True)
    ]
    index = {node[0]: number for number, node in enumerate(nodes)}
    return {
        "nodes": nodes,
        "edges": [[index[source], index[target], *rest] for (source, target), rest in _edges(circuit, other)],
        "layers": [{"text": t("circuit-layer", layer=layer), "level": layer} for layer in range(layers)],
        "heads": [*(t("module-head-short", head=head) for head in range(heads)), t("module-mlp-short")],
        "curve": _curve(circuit),
        "members": len(circuit.members),
        "legend": _legend(),
        "supernodes": [],
        "columns": heads + 1,
        "rows": layers + 2,
        "start": START,
        "compare": other is not None,
        "colours": {group.value: colour for group, colour in COLOURS.items()},
        "signs": {"supports": SUPPORTS, "opposes": OPPOSES},
    }


def _curve(circuit: Circuit) -> list[list[Any]]:
    """List (modules kept, faithfulness, faithfulness of random modules), as the run measured it; None is unmeasured."""
    measured: dict[int, list[Any]] = {len(circuit.members): [circuit.faithfulness, None]}
    measured |= {point.modules: [point.faithfulness, point.random] for point in circuit.curve}
    return [[modules, *shares] for modules, shares in sorted(measured.items())]


def _legend() -> list[list[str]]:
    """List (name of a mark or line, its meaning)."""
    groups = [
        [group.value, t("circuit-explorer-group", group=GROUP_NAMES[group], serves=serves)]
        for group, serves in GROUP_WORDS.items()
    ]
    return groups + [[sign, t(f"circuit-explorer-legend-{sign}")] for sign in ("supports", "opposes")]


def grid_size(circuit: Circuit) -> tuple[int, int]:
    """Count the layers of the model and the heads of a layer."""
    heads = [name.rpartition(".h")[2] for name in circuit.modules if ".h" in name]
    return sum(".h" not in name for name in circuit.modules), 1 + max(map(int, heads))


def spot(module: str, heads: int) -> tuple[int, int]:
    """Return column and layer of a module in a model of so many heads a layer; MLPs stand right of the heads."""
    layer, _, head = module[1:].partition(".h")
    return int(head) if head else heads, int(layer)


def _node(name: str, score: float, row: ModuleGroup, side: str, layers: int, heads: int, rank: int) -> list[Any]:
    head = name.rpartition(".h")[2] if ".h" in name else ""
    column, layer = spot(name, heads)
    level = layer + (0 if head else 0.5)
    numbers = (round(value, 4) for value in (row.membership_probability, score, row.forget, row.retain))
    return [
        name,
        head,
        module_title(name),
        row.group.value,
        *numbers,
        round(_across(column, heads), 4),
        round(_up(level, layers), 4),
        side,
        rank,
        column,
        level,
    ]


def _across(column: int, heads: int) -> float:
    return (column + 0.5) / (heads + 1)


def _up(layer: float, layers: int) -> float:
    return (layer + 1) / (layers + 1)


def _side(name: str, circuit: Circuit, other: Circuit | None) -> str:
    here = name in circuit.members
    if other is None:
        return "in" if here else "out"
    there = name in other.members
    return "both" if here and there else "here" if here else "there" if there else "out"


def _edges(circuit: Circuit, other: Circuit | None) -> list[tuple[Pair, list[Any]]]:
    """List connected pairs with their side and scores, strongest first."""
    here, there = _pairs(circuit), _pairs(other) if other else {}
    pairs = {
        pair: ("in" if other is None else "both" if pair in there else "here", scores) for pair, scores in here.items()
    }
    pairs |= {pair: ("there", scores) for pair, scores in there.items() if pair not in here}
    ranked = sorted(pairs.items(), key=lambda item: -sum(map(abs, item[1][1])))
    return [(pair, [side, *(round(score, 5) for score in scores)]) for pair, (side, scores) in ranked]


def _pairs(circuit: Circuit) -> dict[Pair, list[float]]:
    """Return the scores of each connected pair by q, k, v and other inputs."""
    pairs: dict[Pair, list[float]] = {}
    for edge in circuit.edges:
        pairs.setdefault((edge.source, edge.target), [0.0] * 4)["qkv".find(edge.input or " ")] += edge.score
    return pairs


def texts() -> dict[str, str]:
    """Return the texts of the explorer; its script fills in the variables, which stay in braces."""
    names = (
        "find", "pin", "unpin", "full", "leave_full", "svg", "png", "reset",
        "feeds", "q", "k", "v", "other", "filters", "edges", "shown", "sampled", "only",
        "keep", "faithful", "faithful_alone", "next", "alt", "none", "tip", "tip_compare", "tip_supernode",
        "tip_supports", "tip_opposes",
        "side_both", "side_here", "side_there", "side_out",
    )  # fmt: skip
    variables = (
        "module",
        "group",
        "certainty",
        "score",
        "forget",
        "retain",
        "side",
        "shown",
        "all",
        "drawn",
        "share",
        "random",
    )
    placeholders = {name: f"{{{name}}}" for name in variables}
    filled = {name: t(f"circuit-explorer-{name.replace('_', '-')}", **placeholders) for name in names}
    return filled | {
        f"group_{group.value}": t("circuit-explorer-group", group=GROUP_NAMES[group], serves=serves)
        for group, serves in GROUP_WORDS.items()
    }
