"""Personalised PageRank on the bipartite graph of users and items: how close each item is to a target item.

Source: Page et al. 1999, "The PageRank Citation Ranking", with the restart vector at a single node.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import sparse

from core.types import Interaction

RESTART = 0.15
TOLERANCE = 1e-10


class ItemGraph:
    """Bipartite graph of the users and items of training interactions.

    Several interactions of one user with one item are one edge.

    Attributes:
        items: Row of each item in the result of `pagerank`.
        step: Sparse transition matrix [node, node] of a random walk, columns sum to 1; items come before users.
    """

    def __init__(self, interactions: Sequence[Interaction]) -> None:
        edges = {(event.user, event.item) for event in interactions}
        self.items = {item: row for row, item in enumerate(sorted({item for _, item in edges}))}
        users = {user: len(self.items) + row for row, user in enumerate(sorted({user for user, _ in edges}))}
        rows = [self.items[item] for _, item in edges]
        columns = [users[user] for user, _ in edges]
        size = len(self.items) + len(users)
        half = sparse.coo_array((np.ones(len(edges)), (rows, columns)), shape=(size, size))
        adjacency = (half + half.T).tocsr()
        self.step = adjacency @ sparse.diags_array(1 / adjacency.sum(axis=0))

    def pagerank(self, targets: Sequence[str]) -> Float[np.ndarray, "items targets"]:
        """Personalised PageRank of all items for each target, by power iteration.

        Solves pi = c e + (1 - c) P pi, where P is `step`, e is one at the target and zero elsewhere, and c is RESTART.

        Args:
            targets: Item ids, at which the random walk restarts.

        Returns:
            Probabilities; the rows are those of `items`, the columns those of `targets`.

        Raises:
            KeyError: A target has no interaction.
        """
        restart = np.zeros((self.step.shape[0], len(targets)))
        restart[[self.items[target] for target in targets], range(len(targets))] = RESTART
        scores, change = restart / RESTART, np.inf
        while change > TOLERANCE:
            scores, previous = restart + (1 - RESTART) * (self.step @ scores), scores
            change = np.abs(scores - previous).max(initial=0)
        return scores[: len(self.items)]
