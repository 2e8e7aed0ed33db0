"""The yardstick of locality.py: what a model knows of the forgotten rows, what comes back, and what others lose.

All knowledge is an advantage over retrained models that were treated in the same way (trained again on the same rows,
rounded to the same bits, asked in the same words), as a share of the original's plain advantage: 1 is the original, 0
the mean retrained model.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
from torch import Tensor

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from core.benchmark.trials import Scenario  # noqa: E402
from core.data.paraphrases import paraphrases_of  # noqa: E402
from core.data.prompts import encode, escape  # noqa: E402
from core.evaluation.metrics import auc, closeness, prediction_auc  # noqa: E402
from core.evaluation.predictions import Predictions, predict  # noqa: E402
from core.models.activations import hidden_states  # noqa: E402
from core.models.lora_layout import Layout, layout  # noqa: E402
from core.models.quantization import quantized  # noqa: E402
from core.models.recommender import preserve_adapter  # noqa: E402
from core.types import Encoded, Prompt  # noqa: E402
from core.unlearning.finetuning import FinetuneSettings, finetune  # noqa: E402
from core.unlearning.gradient_unlearning import only_trainable  # noqa: E402
from core.unlearning.training_types import Step  # noqa: E402
from core.verification.checks.probes import probed  # noqa: E402

BITS = (8, 4)
CURVE = (1, 2, 4, 8, 16, 32)  # steps of relearning after which the model is asked, as far as they go
RELEARNED_PEOPLE = 2  # whose rows are trained again
Knowledge = dict[str, float]  # of one model, absolute: losses in nats and AUCs


@dataclass(frozen=True)
class Yardstick:
    """The rows of one scenario on which every model is measured.

    Attributes:
        scenario: Models and data.
        plan: Layout of the adapter's coordinates.
        again: Rows of two forgotten people, which are trained again.
        asked: Rows of the other forgotten people.
        strangers: Rows of as many people whom no model saw, which are trained instead.
        seed: Seed of the order of trainings.
        steps: Steps of relearning.
    """

    scenario: Scenario
    plan: Layout
    again: list[Prompt]
    asked: list[Prompt]
    strangers: list[Prompt]
    seed: int
    steps: int

    def loss(self) -> float:
        """Mean loss on all forgotten rows, in nats."""
        return float(self._predict(self.scenario.context.split.forget).losses.mean())

    def predictions(self) -> tuple[Predictions, Predictions]:
        """Predictions on the forgotten rows and on the others' test rows."""
        split = self.scenario.context.split
        return self._predict(split.forget), self._predict(split.test)

    def knowledge(self) -> Knowledge:
        """What comes back from the model as it is now. It is the same model afterwards."""
        found = {"plain": self.loss()}
        for bits in BITS:
            with quantized(self.scenario.recommender.model, bits):
                found[f"rounded to {bits} bits"] = self.loss()
        found |= {f"asked as {name}": loss for name, loss in self._other_wordings()}
        found |= {f"same people, {step}": loss for step, loss in self._relearned(self.again, self.asked)}
        found |= {f"strangers, {step}": loss for step, loss in self._relearned(self.strangers, self.asked)}
        return found | {"probes": self._probes()}

    def _predict(self, prompts: Sequence[Prompt]) -> Predictions:
        return predict(self.scenario.recommender, prompts, self.scenario.context.prompt_setup)

    def _other_wordings(self) -> Iterator[tuple[str, float]]:
        """Loss on the forgotten rows under each paraphrase that leaves the history as it is."""
        context, recommender = self.scenario.context, self.scenario.recommender
        for name, one in paraphrases_of(recommender.task, context.workspace.templates).items():
            if not one.history:
                titles = {item.id: one.title(escape(item.title)) for item in context.workspace.items.values()}
                reworded = partial(encode, titles=titles, words=one.words, tokenizer=recommender.tokenizer)
                setup = replace(context.prompt_setup, encode=reworded)
                yield name, float(predict(recommender, context.split.forget, setup).losses.mean())

    def _relearned(self, trained: Sequence[Prompt], asked: Sequence[Prompt]) -> Iterator[tuple[int, float]]:
        """Loss on `asked` before training on `trained` (0) and after each number of steps of CURVE."""
        model, found = self.scenario.recommender.model, {0: float(self._predict(asked).losses.mean())}
        encoded, recipe = self.scenario.context.encode(trained), self.scenario.context.finetune_settings
        batch = min(recipe.batch_size, len(encoded))
        epochs = -(-self.steps // -(-len(encoded) // batch))

        def watch(step: Step) -> bool:
            if step.number in CURVE:
                model.eval()
                found[step.number] = float(self._predict(asked).losses.mean())
                model.train()
            return step.number >= self.steps

        with preserve_adapter(model):
            finetune(
                model, encoded, replace(recipe, epochs=epochs, batch_size=batch, seed=self.seed, average=0.0), watch
            )
        yield from found.items()

    def _probes(self) -> float:
        """AUC of the best layer's linear probe that tells forgotten people's rows from strangers'."""
        context = self.scenario.context
        sides = [context.split.forget, context.split.holdout]
        users = [np.array([one.user for one in prompts for _ in one.targets], str) for prompts in sides]
        encoded = context.encode([*sides[0], *sides[1]])
        states = hidden_states(self.scenario.recommender.model, encoded).numpy()
        found = probed(states, np.concatenate(users), np.arange(states.shape[1]) < len(users[0]))
        return max(auc(layer[found.is_forgotten], layer[~found.is_forgotten]) for layer in found.scores)


def yardstick_of(scenario: Scenario, seed: int, steps: int = CURVE[-1]) -> Yardstick:
    """The first two forgotten people are trained again and the others asked, so at least three are needed."""
    split = scenario.context.split
    people = list(dict.fromkeys(prompt.user for prompt in split.forget))
    again = [one for one in split.forget if one.user in people[:RELEARNED_PEOPLE]]
    asked = [one for one in split.forget if one.user not in people[:RELEARNED_PEOPLE]]
    strangers = list(dict.fromkeys(prompt.user for prompt in split.holdout))[:RELEARNED_PEOPLE]
    return Yardstick(
        scenario, layout(scenario.recommender.model), again, asked,
        [one for one in split.holdout if one.user in strangers], seed, steps,
    )  # fmt: skip


def returned(model: Knowledge, original: Knowledge, references: Sequence[Knowledge]) -> dict[str, float]:
    """The advantage of one model in each measure over references that were treated alike.

    Losses are shares of the original's plain advantage. Relearning and wordings also have their means, over the steps
    of the curve and over the wordings. The AUC of the probes is a difference.
    """
    whole = fmean(one["plain"] for one in references) - original["plain"]

    def share(name: str) -> float:
        return (fmean(one[name] for one in references) - model[name]) / whole

    shares = {name: share(name) for name in model if name != "probes"}
    means = {
        f"relearned, {kind}": fmean(shares[name] for step in CURVE if (name := f"{kind}, {step}") in shares)
        for kind in ("same people", "strangers")
    }
    wordings = fmean(value for name, value in shares.items() if name.startswith("asked as "))
    probes = model["probes"] - fmean(one["probes"] for one in references)
    return {**shares, **means, "wordings": wordings, "probes": probes}


def others(model: Predictions, scenario: Scenario) -> dict[str, float]:
    """What the other people's test rows lose, and how far the model drifts from the retrained ones there."""
    original, retrained = scenario.original.test, [one.test for one in scenario.references]
    drift = closeness(model.probabilities, original.probabilities, [one.probabilities for one in retrained])
    return {
        "test_auc": prediction_auc(model) - prediction_auc(original),
        "test_loss": float(model.losses.mean() - original.losses.mean()),
        "drift": drift.residual,
    }


def auc_gap(model: Predictions, scenario: Scenario) -> float:
    """AUC on the forgotten rows minus the references' mean."""
    return prediction_auc(model) - fmean(prediction_auc(one.forget) for one in scenario.references)


def trained_change(yardstick: Yardstick, prompts: Sequence[Encoded], settings: FinetuneSettings) -> Tensor:
    """Change of the coordinates by a training on prompts, flat [row, rank]; the weights are unchanged."""
    model, plan = yardstick.scenario.recommender.model, yardstick.plan
    before = plan.weights()
    with only_trainable(model, plan, checkpointing=False):
        finetune(model, prompts, settings)
    change = plan.weights() - before
    plan.write(before)
    return change
