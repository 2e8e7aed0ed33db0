"""Forget and retain objectives, one short function each (docs/method.md, section 4).

A forget objective takes the logits of the model being unlearned and its fixed inputs, and returns a scalar in nats to
be minimised. All but `ascend_uncapped` are bounded below. NPO, SimNPO and DPO are means over targets, whose
log-probability is the sum over their answer tokens; the others are means over answer tokens. Formulas are implemented
from the papers; where a paper's code differs from its formula, the formula holds.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from core.models.batching import Batch, answer_loss

NPO_BETA = DPO_BETA = 0.1
SIMNPO_BETA, SIMNPO_GAMMA = 4.5, 0.125
UNDIAL_STRENGTH = 10.0
ASCENT_CAP = 2 * math.log(2)  # nats per answer token
TEACHER_STRENGTH = 2.0
RETAIN_STRENGTH = 1.0


@dataclass(frozen=True)
class ObjectiveInputs:
    """Inputs of an objective besides the model's logits.

    Attributes:
        batch: Prompts with their answer tokens.
        original: Logits of the adapter before unlearning [answer token, vocabulary]; empty if the objective does not
            read it.
        teacher: Logits of the teacher [answer token, vocabulary]; empty if the objective does not read it.
        wrong: A token other than the answer [answer token]: in `click` the other answer, in `next_item` a random token;
            empty if the objective does not read it.
        choices: Tokens that can be an answer [choice].
    """

    batch: Batch
    original: Tensor
    teacher: Tensor
    wrong: Tensor
    choices: Tensor


class Objective(Protocol):
    """Forget objective."""

    def __call__(self, logits: Tensor, inputs: ObjectiveInputs, /) -> Tensor:
        """Return the loss, a scalar in nats, for logits [answer token, vocabulary]."""


def teacher_logits(original: Tensor, augmented: Tensor, strength: float = TEACHER_STRENGTH) -> Tensor:
    """E2URec's teacher: l_0 - strength * ReLU(l_aug - l_0), l_aug over-fitted on the forget set (arXiv 2403.03536)."""
    return original - strength * F.relu(augmented - original)


def distil(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """KL(teacher || model), the default; zero if both agree."""
    return _kl(inputs.teacher, logits)


def ascend(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Gradient ascent on the answer loss, capped at ASCENT_CAP nats per token."""
    return F.relu(ASCENT_CAP + _log_probability(logits, inputs.batch.tokens)).mean()


def ascend_uncapped(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Gradient ascent: minus the answer loss, without a bound (e.g. arXiv 2210.01504)."""
    return -answer_loss(logits, inputs.batch)


def npo(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Negative preference optimisation, -(2/beta) E log sigmoid(-beta log(p/p_0)) (arXiv 2404.05868, eq. 3)."""
    return -(2 / NPO_BETA) * F.logsigmoid(-NPO_BETA * _log_ratio(logits, inputs.batch.tokens, inputs)).mean()


def simnpo(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """NPO per token and without the original, -(2/beta) E log sigmoid(-(beta/|y|) log p - gamma) (arXiv 2410.07163)."""
    tokens = inputs.batch.tokens
    lengths = _sum_by_target(torch.ones_like(tokens, dtype=logits.dtype), inputs.batch)
    mean = _sum_by_target(_log_probability(logits, tokens), inputs.batch) / lengths
    return -(2 / SIMNPO_BETA) * F.logsigmoid(-SIMNPO_BETA * mean - SIMNPO_GAMMA).mean()


def undial(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Self-distillation from the original with the answer's logit lowered by UNDIAL_STRENGTH (arXiv 2402.10052)."""
    lowered = inputs.original - UNDIAL_STRENGTH * F.one_hot(inputs.batch.tokens, logits.shape[1])
    return _kl(lowered, logits)


def neutral(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """KL(uniform || model), both over the choices: in `click` it drives p to one half."""
    log_p = logits[:, inputs.choices].log_softmax(-1)
    return -log_p.mean(-1).mean() - math.log(len(inputs.choices))


def flip(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Negative log-likelihood of wrong answers."""
    return -_log_probability(logits, inputs.wrong).mean()


def dpo(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Direct preference for the wrong answer, -(1/beta) E log sigmoid(beta (r_wrong - r_right)) with r = log(p/p_0).

    arXiv 2305.18290, eq. 7, divided by beta as in arXiv 2404.05868.
    """
    wrong, right = (_log_ratio(logits, tokens, inputs) for tokens in (inputs.wrong, inputs.batch.tokens))
    return -(1 / DPO_BETA) * F.logsigmoid(DPO_BETA * (wrong - right)).mean()


def retain_loss(logits: Tensor, batch: Batch, original: Tensor, strength: float = RETAIN_STRENGTH) -> Tensor:
    """Retain objective: answer loss + strength * KL(original || model), a scalar in nats.

    Args:
        logits: Logits of the model being unlearned [answer token, vocabulary].
        batch: Prompts with their answer tokens.
        original: Logits of the adapter before unlearning [answer token, vocabulary].
        strength: Weight of the divergence.
    """
    return answer_loss(logits, batch) + strength * _kl(original, logits)


def _kl(target: Tensor, logits: Tensor) -> Tensor:
    """KL(softmax(target) || softmax(logits)), mean over answer tokens."""
    return F.kl_div(logits.log_softmax(-1), target.log_softmax(-1), log_target=True, reduction="batchmean")


def _log_probability(logits: Tensor, tokens: Tensor) -> Tensor:
    """Log-probability of one token each [answer token]."""
    return -F.cross_entropy(logits, tokens, reduction="none")


def _log_ratio(logits: Tensor, tokens: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """log(p/p_0) of each target [target], p_0 being the original's probability."""
    return _sum_by_target(_log_probability(logits, tokens) - _log_probability(inputs.original, tokens), inputs.batch)


def _sum_by_target(values: Tensor, batch: Batch) -> Tensor:
    """Sum values [answer token] over each target's tokens [target]."""
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
