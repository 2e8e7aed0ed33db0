"""Positions of a single prompt's graph: columns are parts of the prompt, rows are layers; pure and without a theme."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.types import INPUT, LOGITS, AttributionGraph, GraphEdge, GraphNode, NodeKey

GAP = 0.7  # between two columns, in widths of a mark
MLP_ABOVE = 0.45  # of the heads of its layer, in rows
STEPS = 16  # straight pieces of a curve
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Column:
    """One column that holds nodes.

    Attributes:
        index: Its index in `AttributionGraph.columns`.
        left: Left end.
        right: Right end.
    """

    index: int
    left: float
    right: float

    @property
    def middle(self) -> float:
        """Its middle."""
        return (self.left + self.right) / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is, in widths of a mark across and in rows up.

    Attributes:
        columns: The columns that hold nodes, in reading order.
        places: (across, up) of each node.
    """

    columns: tuple[Column, ...]
    places: dict[NodeKey, Point]

    @property
    def width(self) -> float:
        """Right end of the last column."""
        return self.columns[-1].right

    def curve(self, edge: GraphEdge) -> list[Point]:
        """Points of an edge: a cubic curve that leaves its source upwards and enters its target from below."""
        (left, low), (right, high) = self.places[edge.source], self.places[edge.target]
        bend = (high - low) / 2
        points = []
        for step in range(STEPS + 1):
            s = step / STEPS
            near, far = (1 - s) ** 2 * (1 + 2 * s), s**2 * (3 - 2 * s)
            rise = 3 * s * (1 - s) * ((1 - s) * bend - s * bend)
            points.append((near * left + far * right, near * low + far * high + rise))
        return points


def layout(graph: AttributionGraph) -> Layout:
    """Place the nodes: a column is as wide as its fullest row, and parts of the prompt without a node have none."""
    rows: dict[tuple[int, float], list[GraphNode]] = defaultdict(list)
    for node in graph.nodes:
        rows[node.column, row_of(node.module, graph.layers)].append(node)
    columns = tuple(_columns({key: len(nodes) for key, nodes in rows.items()}))
    middles = {column.index: column.middle for column in columns}
    places = {
        node.key: (middles[column] + at - (len(nodes) - 1) / 2, up)
        for (column, up), nodes in rows.items()
        for at, node in enumerate(sorted(nodes, key=_head))
    }
    return Layout(columns, places)


def row_of(module: str, layers: int) -> float:
    """The row of a module: 0 for the input, 1 for the heads of layer 0, and so on."""
    if module in (INPUT, LOGITS):
        return 0.0 if module == INPUT else layers + 1.0
    layer, _, head = module[1:].partition(".h")
    return int(layer) + 1 + (0 if head else MLP_ABOVE)


def touching(edges: Sequence[GraphEdge], node: NodeKey) -> list[GraphEdge]:
    """The edges into and out of a node."""
    return [edge for edge in edges if node in (edge.source, edge.target)]


def _head(node: GraphNode) -> int:
    return int(node.module.rpartition(".h")[2]) if ".h" in node.module else 0


def _columns(counts: dict[tuple[int, float], int]) -> Iterator[Column]:
    widest = Counter[int]()
    for (column, _), count in counts.items():
        widest[column] = max(widest[column], count)
    left = 0.0
    for index in sorted(widest):
        yield Column(index, left, left + widest[index] + GAP)
        left += widest[index] + GAP
