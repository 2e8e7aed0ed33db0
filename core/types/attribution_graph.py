"""An attribution graph: modules at parts of a prompt, and the signed effects that run between them.

Rows are layers and columns are parts of the prompt. The circuit of a run, which is a mean over prompts, has one column.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from core.types.circuit import Edge

INPUT, LOGITS = "input", "logits"
TOLERANCE = 0.15  # nodes that keep 1 - TOLERANCE to 1 + TOLERANCE of an effect are faithful
NodeKey = tuple[str, int]  # (module, column)


@dataclass(frozen=True, slots=True)
class GraphNode:
    """One module at one part of the prompt.

    Attributes:
        module: Name of the module; "input" for the token embeddings, "logits" for the prediction.
        column: Index of the part of the prompt in which the module writes, in reading order.
        score: Effect of corrupting the module there, in logits, signed; 0 for the logits.
    """

    module: str
    column: int
    score: float

    @property
    def key(self) -> NodeKey:
        """The node's module and column."""
        return self.module, self.column


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """What one node adds to another.

    Attributes:
        source: The node that writes.
        target: The node that reads in the column of `source` and writes in its own.
        by_input: Effect of corrupting the edge, in logits, signed, by the input that reads: "q", "k" and "v" of an
            attention head, "" of an MLP or the logits.
    """

    source: NodeKey
    target: NodeKey
    by_input: dict[str, float]

    @property
    def score(self) -> float:
        """Effect of corrupting all inputs of the edge, in logits."""
        return sum(self.by_input.values())


@dataclass(frozen=True, slots=True)
class Supernode:
    """Nodes that a person put together under one label.

    Attributes:
        label: The label.
        nodes: The nodes, at least one.
    """

    label: str
    nodes: tuple[NodeKey, ...]


@dataclass(frozen=True, slots=True)
class AttributionGraph:
    """The strongest nodes and edges of a prompt, or of the prompts of a run.

    Attributes:
        name: Name of the graph, of letters, digits and hyphens.
        model: Name of the model.
        layers: Number of layers of the model.
        columns: Text of each part of the prompt, in reading order.
        nodes: The nodes, strongest first; the inputs and the logits last.
        edges: The edges, strongest first.
        pinned: Nodes that belong together, such as the circuit of a run.
        description: How the graph was made.
        supernodes: Nodes that a person put together.
    """

    name: str
    model: str
    layers: int
    columns: tuple[str, ...]
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    pinned: tuple[NodeKey, ...] = ()
    description: str = ""
    supernodes: tuple[Supernode, ...] = ()

    def with_supernodes(self, labelled: Mapping[str, Collection[str]]) -> "AttributionGraph":
        """The graph with a supernode of all nodes of some modules, for each label that has any.

        Args:
            labelled: Modules by label.
        """
        found = {
            label: tuple(node.key for node in self.nodes if node.module in modules)
            for label, modules in labelled.items()
        }
        return replace(self, supernodes=tuple(Supernode(label, nodes) for label, nodes in found.items() if nodes))


@dataclass(frozen=True, slots=True)
class PromptCircuit:
    """The strongest nodes and edges of one prompt, and what they leave out.

    Attributes:
        graph: The nodes and edges that were kept.
        clean: Metric (logit difference) on the prompt.
        corrupted: Metric on its counterfactual prompt.
        faithfulness: Share of `clean` - `corrupted` that stays when every other node is corrupted; an exact run.
        edge_share: Share of the absolute scores of all edges between the kept nodes that the kept edges have.
        all_nodes: Number of nodes before pruning.
    """

    graph: AttributionGraph
    clean: float
    corrupted: float
    faithfulness: float
    edge_share: float
    all_nodes: int

    @property
    def is_faithful(self) -> bool:
        """Whether the kept nodes have the whole effect, within TOLERANCE."""
        return abs(self.faithfulness - 1) <= TOLERANCE


def merged(edges: Iterable[Edge]) -> tuple[GraphEdge, ...]:
    """Edges of a circuit in one column, with the inputs q, k and v of two heads in one edge each."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for edge in edges:
        found.setdefault((edge.source, edge.target), {})[edge.input] = edge.score
    return tuple(GraphEdge((source, 0), (target, 0), by_input) for (source, target), by_input in found.items())
