"""How many titles a model scores for its ranks and for its lists: fewer with a larger model, but at least LEAST.

To score a title takes about 2 x TITLE_TOKENS floating-point operations for each parameter. A small model ranks for all
users that are asked for; a large one for the first of them. Above about 300 million parameters the number stays at
LEAST, and the time grows with the model. The number follows from the base model's size alone, not from the machine, so
that all models of a request are compared by the same users and titles.
"""

from dataclasses import dataclass

from torch import nn

OPERATIONS = 6e12  # of a model; one to two minutes on one core of 50 to 100 GFLOP/s
TITLE_TOKENS = 10  # of a title itself, and of its user's history, which is computed once for all titles
LEAST = 1_000  # titles of any model, since a handful of users says nothing


@dataclass(frozen=True)
class RankingBudget:
    """Titles that one model scores.

    Attributes:
        titles: The most titles that are scored for the ranks, and again for the lists.
    """

    titles: int

    def users(self, candidates: int) -> int:
        """Users whose lists of this number of candidates are ranked, at least one."""
        return max(1, self.titles // candidates)


def ranking_budget(parameters: int, chosen: int | None) -> RankingBudget:
    """Return the budget of a model.

    Args:
        parameters: Parameters of the base model.
        chosen: Titles that the workspace's settings ask for, whatever the model's size.
    """
    return RankingBudget(chosen or max(LEAST, round(OPERATIONS / (2 * TITLE_TOKENS * parameters))))


def base_parameters(model: nn.Module) -> int:
    """Number of parameters of a model without its adapter."""
    return sum(one.numel() for name, one in model.named_parameters() if ".lora_" not in name)
