"""What forgetting minimises: one short function an objective (method section 4).

Each takes logits [answer token, vocabulary] of the model being unlearned and what stands fixed beside them (`Fixed`),
and returns a scalar in nats. All but `ascend_uncapped` are bounded below. "Per target" sums the tokens of one answer.
Formulas are re-implemented from the papers; where a paper's code differs, we follow the formula.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.models.batching import Batch, answer_loss

NPO_BETA = DPO_BETA = 0.1
SIMNPO_BETA, SIMNPO_GAMMA = 4.5, 0.125
UNDIAL_STRENGTH = 10.0
ASCENT_CAP = 2 * math.log(2)
TEACHER_STRENGTH = 2.0


@dataclass(frozen=True)
class ObjectiveInputs:
    """What an objective may read beside the model's logits.

    original, teacher: logits [answer token, vocabulary] of the adapter before, and of whom `distil` follows; empty
    where an objective does not read it. wrong: [answer token] a token that is not the answer: in `click` the other
    answer, in `next_item` a random one; empty likewise. choices: [choice] the tokens that can answer at all.
    """

    batch: Batch
    original: Tensor
    teacher: Tensor
    wrong: Tensor
    choices: Tensor


Objective = Callable[[Tensor, ObjectiveInputs], Tensor]


def teacher_logits(original: Tensor, augmented: Tensor, strength: float = TEACHER_STRENGTH) -> Tensor:
    """l0 - strength * ReLU(l_aug - l0): what over-fitting on the forget set raises is what is taken away."""
    return original - strength * F.relu(augmented - original)


def distil(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """KL(teacher || model), the default; zero where the model says what the teacher says."""
    return _kl(fixed.teacher, logits)


def ascend(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """Gradient ascent on the answers' loss, capped per token at ASCENT_CAP so that it cannot run away."""
    return F.relu(ASCENT_CAP + _log_p(logits, fixed.batch.tokens)).mean()


def ascend_uncapped(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """Plain gradient ascent (e.g. arXiv 2210.01504): minus the answers' loss, without a bound."""
    return -answer_loss(logits, fixed.batch)


def npo(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """Negative preference optimisation, -(2/beta) E log sigmoid(-beta log(p/p0)) (arXiv 2404.05868, eq. 3)."""
    tokens = fixed.batch.tokens
    ratio = _per_target(_log_p(logits, tokens) - _log_p(fixed.original, tokens), fixed.batch)
    return -(2 / NPO_BETA) * F.logsigmoid(-NPO_BETA * ratio).mean()


def simnpo(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """NPO without the original and by length, -(2/beta) E log sigmoid(-(beta/|y|) log p - gamma) (arXiv 2410.07163)."""
    tokens = fixed.batch.tokens
    sizes = _per_target(torch.ones_like(tokens, dtype=logits.dtype), fixed.batch)
    mean = _per_target(_log_p(logits, tokens), fixed.batch) / sizes
    return -(2 / SIMNPO_BETA) * F.logsigmoid(-SIMNPO_BETA * mean - SIMNPO_GAMMA).mean()


def undial(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """Self-distillation from the original with the answer's logit lowered by UNDIAL_STRENGTH (arXiv 2402.10052)."""
    lowered = fixed.original - UNDIAL_STRENGTH * F.one_hot(fixed.batch.tokens, logits.shape[1])
    return _kl(lowered, logits)


def neutral(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """KL(uniform over the choices || model over the choices): in `click` it drives p to one half."""
    logs = logits[:, fixed.choices].log_softmax(-1)
    return -logs.mean(-1).mean() - math.log(len(fixed.choices))


def flip(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """Ordinary training on wrong answers."""
    return -_log_p(logits, fixed.wrong).mean()


def dpo(logits: Tensor, fixed: ObjectiveInputs) -> Tensor:
    """Direct preference of the wrong over the right answer, -(1/beta) E log sigmoid(beta (r_wrong - r_right)).

    r = log(p/p0) per target (arXiv 2305.18290, eq. 7, divided by beta as in arXiv 2404.05868).
    """
    raised = [
        _per_target(_log_p(logits, tokens) - _log_p(fixed.original, tokens), fixed.batch)
        for tokens in (fixed.wrong, fixed.batch.tokens)
    ]
    return -(1 / DPO_BETA) * F.logsigmoid(DPO_BETA * (raised[0] - raised[1])).mean()


def keep(logits: Tensor, batch: Batch, original: Tensor, strength: float = 1.0) -> Tensor:
    """The retain objective: answers' loss + strength * KL(original || model)."""
    return answer_loss(logits, batch) + strength * _kl(original, logits)


def _kl(target: Tensor, logits: Tensor) -> Tensor:
    """KL(softmax(target) || softmax(logits)), mean over answer tokens."""
    return F.kl_div(logits.log_softmax(-1), target.log_softmax(-1), log_target=True, reduction="batchmean")


def _log_p(logits: Tensor, tokens: Tensor) -> Tensor:
    """log p [answer token] of one token each."""
    return -F.cross_entropy(logits, tokens, reduction="none")


def _per_target(values: Tensor, batch: Batch) -> Tensor:
    """Sums [target] of values [answer token]."""
    return values.new_zeros(len(batch.labels)).index_add(0, batch.owners, values)


OBJECTIVES: dict[str, Objective] = {
    "distil": distil,
    "ascend": ascend,
    "ascend_uncapped": ascend_uncapped,
    "npo": npo,
    "simnpo": simnpo,
    "undial": undial,
    "neutral": neutral,
    "flip": flip,
    "dpo": dpo,
}
READS_ORIGINAL = {"npo", "undial", "dpo"}
READS_WRONG = {"flip", "dpo"}
PER_TARGET = {"npo", "simnpo", "dpo"}  # means over targets; the others are means over answer tokens
