"""Supernodes: modules that a person put together under a label; their text in an address, and their connections."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from core.types import INPUT, LOGITS, AttributionGraph, Circuit, Edge
from core.utils.text import one_line
from dashboard.presenters.i18n import t
from dashboard.presenters.prompt_layout import row_of

MOST = 12  # supernodes
LONGEST = 40  # characters of a label
Supernodes = dict[str, tuple[str, ...]]  # modules by label


def parsed(text: str, modules: Collection[str]) -> tuple[Supernodes, bool]:
    """Read supernodes from an address.

    Args:
        text: "label:module,module;label:module", with percent-encoded labels.
        modules: The modules of the model.

    Returns:
        The supernodes, and whether something could not be read and is left out.
    """
    found: Supernodes = {}
    lost = False
    for part in filter(None, text.split(";")):
        label, _, names = part.partition(":")
        asked = list(dict.fromkeys(names.split(",")))
        chosen = [name for name in asked if name in modules]
        refused = bool(refusal(unquote(label), chosen, found))
        found = found if refused else added(found, unquote(label), chosen)
        lost = lost or refused or chosen != asked
    return found, lost


def written(found: Mapping[str, Sequence[str]]) -> str:
    """Write supernodes for an address, as `parsed` reads them."""
    return ";".join(f"{quote(label, safe=' ')}:{','.join(modules)}" for label, modules in found.items())


def refusal(label: str, modules: Collection[str], found: Supernodes) -> str:
    """Say in one sentence why the modules cannot be put under the label; "" if they can."""
    length = len(one_line(label))
    if not length:
        return t("supernode-no-label")
    if length > LONGEST:
        return t("supernode-long-label", length=length, most=LONGEST)
    if not modules:
        return t("supernode-no-module")
    if one_line(label) not in found and len(found) >= MOST:
        return t("supernode-too-many", most=MOST)
    return ""


def added(found: Supernodes, label: str, modules: Sequence[str]) -> Supernodes:
    """Put modules under a label; each leaves the supernode that it was in, and an empty supernode goes.

    Args:
        found: The supernodes so far.
        label: A label that `refusal` accepts.
        modules: The modules.
    """
    rest = {name: tuple(one for one in own if one not in modules) for name, own in found.items()}
    rest[one_line(label)] = (*rest.get(one_line(label), ()), *modules)
    return {name: own for name, own in rest.items() if own}


def labelled_modules(graph: AttributionGraph, modules: Collection[str]) -> Supernodes:
    """Return the supernodes of a graph as far as these modules hold them, each label and number within its limit."""
    found: Supernodes = {}
    for one in graph.supernodes:
        label = one_line(one.label)[:LONGEST].strip()
        own = tuple(dict.fromkeys(name for name, _ in one.nodes if name in modules))
        if not refusal(label, own, found):
            found = added(found, label, own)
    return found


@dataclass(frozen=True, slots=True)
class SupernodeEdge:
    """All drawn connections from one supernode, or end of the graph, to another.

    Attributes:
        source: 0 for the user history, otherwise the number of the supernode.
        target: The number of the supernode, or one more than their count for the prediction.
        score: Sum of the signed scores, in logits.
        count: Number of connections.
    """

    source: int
    target: int
    score: float
    count: int


def summed(edges: Sequence[Edge], found: Mapping[str, Sequence[str]]) -> tuple[SupernodeEdge, ...]:
    """Sum the edges between supernodes, the user history and the prediction, strongest first."""
    numbers = {INPUT: 0, LOGITS: len(found) + 1}
    numbers |= {module: number for number, own in enumerate(found.values(), 1) for module in own}
    sums: dict[tuple[int, int], list[float]] = {}
    for edge in edges:
        pair = numbers.get(edge.source), numbers.get(edge.target)
        if pair[0] is not None and pair[1] is not None and pair[0] != pair[1]:
            sums.setdefault((pair[0], pair[1]), []).append(edge.score)
    rows = [SupernodeEdge(*pair, sum(scores), len(scores)) for pair, scores in sums.items()]
    return tuple(sorted(rows, key=lambda edge: -abs(edge.score)))


def effects(circuit: Circuit, found: Mapping[str, Sequence[str]]) -> list[float]:
    """Sum the scores of each supernode's modules, in logits."""
    scores = circuit.score_by_module
    return [sum(scores[module] for module in own) for own in found.values()]


def places(found: Mapping[str, Sequence[str]]) -> list[tuple[float, float]]:
    """Place the user history, the supernodes by the mean layer of their modules, and the prediction.

    Returns:
        For each (across from 0 to 1, row up): the history in row 0, the prediction in the last row. Supernodes of the
        same mean layer share a row; single ones stand left and right in turn, so that lines between others pass.
    """
    layers = [round(sum(row_of(name, 0) for name in own) / len(own), 2) for own in found.values()]
    rows = {layer: number for number, layer in enumerate(sorted({*layers}), 1)}
    result = [(0.5, 0.0)]
    for index, layer in enumerate(layers):
        row, mates = rows[layer], layers.count(layer)
        alone = 0.5 + (0.2 if row % 2 else -0.2) * (len(rows) > 1)
        result.append((alone if mates == 1 else (layers[:index].count(layer) + 0.5) / mates, float(row)))
    return [*result, (0.5, len(rows) + 1.0)]
