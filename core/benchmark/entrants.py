"""Entrants of the benchmark: every unlearning method, and controls that test what CURE's groups are worth.

A control is a CURE method with one part removed or replaced (docs/method.md, section 6).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from core.circuit.counterfactuals import STRATEGIES
from core.types import Group
from core.unlearning.methods import METHODS, Method

Groups = Mapping[str, Group]  # group by name of module
Setting = tuple[float, float]  # learning rate, weight of the forget gradient


def unchanged(groups: Groups, rng: Random) -> Groups:  # noqa: ARG001 - common signature of `Entrant.regroup`
    """The groups as the method found them."""
    return groups


def shuffled(groups: Groups, rng: Random) -> Groups:
    """Random modules; each group keeps its number of attention heads and of MLPs."""
    assigned: dict[str, Group] = {}
    for letter in ("a", "m"):  # heads are named a0.h1, MLPs m0
        names = [name for name in groups if name.startswith(letter)]
        assigned.update(zip(rng.sample(names, len(names)), (groups[name] for name in names), strict=True))
    return {name: assigned[name] for name in groups}


def inverted(groups: Groups, rng: Random) -> Groups:  # noqa: ARG001 - common signature of `Entrant.regroup`
    """Forget and retain modules swapped."""
    other = {Group.FORGET: Group.RETAIN, Group.RETAIN: Group.FORGET}
    return {name: other.get(group, group) for name, group in groups.items()}


def frozen_retain(groups: Groups, rng: Random) -> Groups:  # noqa: ARG001 - common signature of `Entrant.regroup`
    """Retain modules frozen."""
    return {name: Group.OUTSIDE if group is Group.RETAIN else group for name, group in groups.items()}


@dataclass(frozen=True)
class Entrant:
    """A method, and how its groups are changed.

    Attributes:
        method: The unlearning method.
        regroup: Changes the groups that the method found.
        strategies: Strategies of making counterfactual prompts.
        by_gradient: Whether modules are grouped by their contribution to the gradients instead of by circuits;
            the groups keep their sizes.
    """

    method: Method
    regroup: Callable[[Groups, Random], Groups] = unchanged
    strategies: tuple[str, ...] = STRATEGIES
    by_gradient: bool = False


CURE, MEMORY, MERGE = METHODS["cure"], METHODS["cure_memory"], METHODS["cure_merge"]
CONTROLS: dict[str, Entrant] = {
    "cure_random": Entrant(CURE, shuffled),
    "cure_inverted": Entrant(CURE, inverted),
    "cure_all_shared": Entrant(replace(CURE, groups="")),
    "cure_no_projection": Entrant(replace(CURE, surgery="sum")),
    "cure_frozen_retain": Entrant(CURE, frozen_retain),
    "cure_no_pagerank": Entrant(CURE, strategies=STRATEGIES[1:]),
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
    """The method with a tuned setting; a gradient that the method does not use keeps weight 0.

    Args:
        method: The method to change.
        setting: Learning rate and weight of the forget gradient.
    """
    rate, weight = setting
    forget, retain = method.weights
    return replace(method, learning_rate=rate, weights=(weight if forget else 0.0, 1 - weight if retain else 0.0))
