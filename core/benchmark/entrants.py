"""Who takes part: every method that unlearns, and the controls that tell what CURE's groups are worth (method section 6)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from core.circuit.counterfactuals import WAYS
from core.types import Group
from core.unlearning.methods import METHODS, Method

Kinds = Mapping[str, Group]
Setting = tuple[float, float]  # learning rate, weight of the forget gradient


def as_they_are(kinds: Kinds, rng: Random) -> Kinds:
    return kinds


def shuffled(kinds: Kinds, rng: Random) -> Kinds:
    """Each group keeps its number of heads and of MLPs, but chance says which."""
    found: dict[str, Group] = {}
    for letter in ("a", "m"):  # heads a0.h1, MLPs m0
        names = [name for name in kinds if name.startswith(letter)]
        found.update(zip(rng.sample(names, len(names)), (kinds[name] for name in names), strict=True))
    return {name: found[name] for name in kinds}


def inverted(kinds: Kinds, rng: Random) -> Kinds:
    """Forget and retain modules change places."""
    other = {Group.FORGET: Group.RETAIN, Group.RETAIN: Group.FORGET}
    return {name: other.get(group, group) for name, group in kinds.items()}


def frozen_retain(kinds: Kinds, rng: Random) -> Kinds:
    """Retain modules do not move."""
    return {name: Group.OUTSIDE if group is Group.RETAIN else group for name, group in kinds.items()}


@dataclass(frozen=True)
class Entrant:
    """A method, and what is done to its groups. ways: of making contrast prompts; by_gradient: groups of the same sizes,
    by contribution to the gradients instead of to the circuits."""

    method: Method
    regroup: Callable[[Kinds, Random], Kinds] = as_they_are
    ways: tuple[str, ...] = WAYS
    by_gradient: bool = False


CURE, MEMORY, MERGE = METHODS["cure"], METHODS["cure_memory"], METHODS["cure_merge"]
CONTROLS: dict[str, Entrant] = {
    "cure_random": Entrant(CURE, shuffled),
    "cure_inverted": Entrant(CURE, inverted),
    "cure_all_shared": Entrant(replace(CURE, groups="")),
    "cure_no_projection": Entrant(replace(CURE, surgery="sum")),
    "cure_frozen_retain": Entrant(CURE, frozen_retain),
    "cure_no_pagerank": Entrant(CURE, ways=WAYS[1:]),
    "cure_by_gradient": Entrant(CURE, by_gradient=True),
    "memory_random": Entrant(MEMORY, shuffled),
    "merge_random": Entrant(MERGE, shuffled),
    "merge_inverted": Entrant(MERGE, inverted),
    "merge_all_shared": Entrant(replace(MERGE, groups="")),
    "merge_no_projection": Entrant(replace(MERGE, surgery="sum")),
    "merge_by_circuit": Entrant(replace(MERGE, groups="circuit")),
}
ENTRANTS: dict[str, Entrant] = {
    **{name: Entrant(method) for name, method in METHODS.items() if not method.retrain},
    **CONTROLS,
}


def with_setting(method: Method, setting: Setting) -> Method:
    """The method at a learning rate, and with a weight of its forget gradient; one that does without either gradient
    stays so."""
    rate, weight = setting
    forget, retain = method.weights
    return replace(method, learning_rate=rate, weights=(weight if forget else 0.0, 1 - weight if retain else 0.0))
