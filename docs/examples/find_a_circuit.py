"""Find the circuit of a plain Hugging Face model: which modules carry the answer from the prompt to the logits.

Run it with `python docs/examples/find_a_circuit.py`. The model is tiny, so that the example needs no download;
replace it by `AutoModelForCausalLM.from_pretrained(...)` of a supported family (core/models/families.py).
"""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

import core

CONFIG = LlamaConfig(
    vocab_size=64,
    hidden_size=32,
    intermediate_size=64,
    num_hidden_layers=3,
    num_attention_heads=4,
    num_key_value_heads=4,
)


def train(model: LlamaForCausalLM) -> None:
    """Teach the model one rule: after token w, any token, and the question 1 comes token w + 30."""
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(80):
        words = torch.randint(2, 30, (64,))
        ids = torch.stack([words, torch.randint(2, 30, (64,)), torch.ones_like(words)], 1)
        loss = torch.nn.functional.cross_entropy(model(ids).logits[:, -1], words + 30)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def main() -> tuple[str, ...]:
    """Print the circuit, and return the names of its modules."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(CONFIG)
    train(model)
    model.eval()
    # A pair: the prompt, the same prompt with another word, the right answer, and the answer to the other prompt.
    pairs = [([word, 8, 1], [word + 1, 8, 1], word + 30, word + 31) for word in range(2, 20)]
    circuit = core.extract_circuit(model, pairs).circuit
    print(f"{len(circuit.members)} of {len(circuit.modules)} modules keep {circuit.faithfulness:.0%} of the metric:")
    for name in circuit.members:
        print(f"  {name:6} {circuit.scores[circuit.modules.index(name)]:+.2f} logits")
    return circuit.members


if __name__ == "__main__":
    main()
