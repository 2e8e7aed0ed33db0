"""Personalised PageRank on the bipartite graph of users and items: which evidence is near a target item."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import sparse

from core.types import Interaction

RESTART = 0.15
TOLERANCE = 1e-10


class ItemGraph:
    """The users and items of train interactions; several ratings of one item by one user are one edge."""

    def __init__(self, interactions: Sequence[Interaction]) -> None:
        edges = set((event.user, event.item) for event in interactions)
        self.items = {item: row for row, item in enumerate(sorted({item for _, item in edges}))}
        users = {user: len(self.items) + row for row, user in enumerate(sorted({user for user, _ in edges}))}
        rows = [self.items[item] for _, item in edges]
        columns = [users[user] for user, _ in edges]
        size = len(self.items) + len(users)
        half = sparse.coo_array((np.ones(len(edges)), (rows, columns)), shape=(size, size))
        adjacency = (half + half.T).tocsr()
        self.step = adjacency @ sparse.diags_array(1 / adjacency.sum(axis=0))

    def pagerank(self, targets: Sequence[str]) -> Float[np.ndarray, "items targets"]:
        """pi = c e + (1 - c) P' pi by power iteration, c = .15, e all at one target; rows as in `items`.

        Raises KeyError for a target that nobody met.
        """
        restart = np.zeros((self.step.shape[0], len(targets)))
        restart[[self.items[target] for target in targets], range(len(targets))] = RESTART
        rank, change = restart / RESTART, np.inf
        while change > TOLERANCE:
            rank, old = restart + (1 - RESTART) * (self.step @ rank), rank
            change = np.abs(rank - old).max(initial=0)
        return rank[: len(self.items)]
