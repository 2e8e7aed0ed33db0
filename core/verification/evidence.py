"""Input of a verification: outputs of the unlearned model, the original and the references on the same rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from core.evaluation.evaluate import ModelOutputs
from core.evaluation.metrics import leave_one_out
from core.evaluation.predictions import Predictions
from core.verification.thresholds import Thresholds


@dataclass(frozen=True)
class ProbeScores:
    """Scores of linear probes that tell forgotten users from held-out users.

    Attributes:
        users: User id of each row [row].
        is_forgotten: Whether the row is of a forgotten user [row].
        scores: Probe score by layer and row [layer, row]; larger is more like a forgotten user.
    """

    users: np.ndarray
    is_forgotten: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class TitleRanks:
    """Ranks of liked forgotten titles among candidates that their users never met.

    Attributes:
        users: User id of each row [row].
        ranks: Rank of the title [row]; 1 is the top.
    """

    users: np.ndarray
    ranks: np.ndarray


@dataclass(frozen=True)
class Answers:
    """Outputs of one model.

    The last three fields are filled only in a full verification.

    Attributes:
        outputs: The outputs that evaluation uses.
        valid_mass: Probability of any valid answer on each forget row [row]; empty in the task `next_item`.
        quantized_scores: Scores on the forget set by the number of bits to which the weights are rounded.
        title_ranks: Ranks of liked forgotten titles.
        retain: Scores on a part of the retain set.
        paraphrased: Scores on the forget set by paraphrase of the prompt.
        relearned: Scores on the forget rows that are not trained on, before and after each epoch of training
            on a few other forget rows.
        probes: Probe scores of the hidden states.
    """

    outputs: ModelOutputs
    valid_mass: np.ndarray
    quantized_scores: Mapping[int, Predictions]
    title_ranks: TitleRanks
    retain: Predictions
    paraphrased: Mapping[str, Predictions] = field(default_factory=dict)
    relearned: tuple[Predictions, ...] = ()
    probes: ProbeScores | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything that the checks compare.

    Attributes:
        model: Outputs of the unlearned model.
        original: Outputs of the model before unlearning.
        references: Outputs of each retrained reference.
        thresholds: Bounds of the checks.
        neighbours: Ids of the retained users who are most similar to the forgotten users.
        requests: Number of requests that were carried out, this one included.
        attempt: Which run of the request this is, from 1.
    """

    model: Answers
    original: Answers
    references: tuple[Answers, ...]
    thresholds: Thresholds = field(default_factory=Thresholds)
    neighbours: frozenset[str] = frozenset()
    requests: int = 1
    attempt: int = 1

    def of_original(self) -> "Evidence":
        """Return the evidence with the original as the model: a known negative, it forgot nothing."""
        return replace(self, model=self.original)

    def each_reference(self) -> Iterator["Evidence"]:
        """Yield the evidence with each reference as the model, compared with the other references."""
        for reference, others in leave_one_out(self.references):
            if others:
                yield replace(self, model=reference, references=tuple(others))
