"""Add an unlearning method: an objective, a row that uses it, and a run on a small model.

Run it with `python docs/examples/add_a_method.py`. In the repository, the objective goes to
core/unlearning/objectives.py and the row to core/unlearning/methods.py. The command line, the benchmark and the tests
then know the method.
"""

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor
from torch.nn.functional import relu
from transformers import LlamaConfig, LlamaForCausalLM

import core
from core.unlearning.methods import METHODS, Method
from core.unlearning.objectives import OBJECTIVES, ObjectiveInputs

CONFIG = LlamaConfig(vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4)
MARGIN = 5.0  # nats


def hinge(logits: Tensor, inputs: ObjectiveInputs) -> Tensor:
    """Raise the loss of each forgotten answer up to MARGIN, and no further.

    Args:
        logits: [answer token, vocabulary] of the model that is being unlearned.
        inputs: The batch, and the outputs of other models that an objective may read.

    Returns:
        A scalar in nats, bounded below by 0.
    """
    answers = inputs.batch.tokens
    return relu(MARGIN + logits.log_softmax(-1).gather(1, answers[:, None])).mean()


def main() -> tuple[float, float]:
    """Register the method, run it, and return the forgotten answer's probability before and after."""
    OBJECTIVES["hinge"] = hinge
    METHODS["hinge"] = Method("Hinge", "Raises the loss of forgotten answers up to a margin.", forget="hinge")
    torch.manual_seed(0)
    adapter = LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM", init_lora_weights=False)
    model = get_peft_model(LlamaForCausalLM(CONFIG), adapter).eval()
    forget, retain = [([1, 5, 9, 2], 1)], [([1, 7, 9, 3], 1), ([1, 8, 9, 4], 1)]

    def probability() -> float:
        with torch.no_grad():
            return float(model(torch.tensor([[1, 5, 9]])).logits[0, -1].softmax(-1)[2])

    before = probability()
    outcome = core.unlearn(model, forget, retain, method="hinge", steps=10)
    after = probability()
    print(f"{outcome.steps} steps: the forgotten answer's probability went from {before:.4f} to {after:.4f}")
    return before, after


if __name__ == "__main__":
    main()
