"""What forgetting minimises: one short function an objective (method section 4), all bounded below.

Each takes logits [answer token, vocabulary] of the model being unlearned, the batch, and the frozen logits:
`original` of the adapter before, `teacher` of the memory-reduced target. Each returns a scalar in nats.
"""

import math
from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from core.models.batches import Batch, answer_loss

Objective = Callable[[Tensor, Batch, Tensor, Tensor], Tensor]
NPO_BETA = 0.1
ASCENT_CAP = 2 * math.log(2)
TEACHER_STRENGTH = 2.0


def teacher_logits(original: Tensor, augmented: Tensor, strength: float = TEACHER_STRENGTH) -> Tensor:
    """l0 - strength * ReLU(l_aug - l0): what over-fitting on the forget set raises is what is taken away."""
    return original - strength * F.relu(augmented - original)


def distil(logits: Tensor, batch: Batch, original: Tensor, teacher: Tensor) -> Tensor:
    """KL(teacher || model), the default; zero where the model says what the teacher says."""
    return F.kl_div(logits.log_softmax(-1), teacher.log_softmax(-1), log_target=True, reduction="batchmean")


def ascend(logits: Tensor, batch: Batch, original: Tensor, teacher: Tensor) -> Tensor:
    """Gradient ascent on the answers' loss, capped per token at ASCENT_CAP so that it cannot run away."""
    losses = F.cross_entropy(logits, batch.tokens, reduction="none")
    return F.relu(ASCENT_CAP - losses).mean()


def npo(logits: Tensor, batch: Batch, original: Tensor, teacher: Tensor) -> Tensor:
    """Negative preference optimisation, -(2/beta) E log sigmoid(-beta log(p/p0)) (arXiv 2404.05868, eq. 3)."""
    rows = F.cross_entropy(original, batch.tokens, reduction="none") - F.cross_entropy(
        logits, batch.tokens, reduction="none"
    )
    return -(2 / NPO_BETA) * F.logsigmoid(-NPO_BETA * rows).mean()


def keep(logits: Tensor, batch: Batch, original: Tensor, strength: float = 1.0) -> Tensor:
    """The retain objective: answers' loss + strength * KL(original || model)."""
    drift = F.kl_div(logits.log_softmax(-1), original.log_softmax(-1), log_target=True, reduction="batchmean")
    return answer_loss(logits, batch) + strength * drift


OBJECTIVES: dict[str, Objective] = {"distil": distil, "ascend": ascend, "npo": npo}
