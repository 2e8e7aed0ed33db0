"""EAP-IG beside its authors' code, on the same weights and prompts: time, memory, and agreement of the edges' scores.

    python benchmarks/eap_ig.py        writes benchmarks/eap_ig.md; about 10 minutes on one core

The model is the demo world's on SmolLM2 (python -m core base fetch smollm2-135m), its adapter merged. The authors' code
(github.com/hannamw/EAP-IG, MIT) is not part of this product: install it and TransformerLens beside the product's packages, in an
environment of their own, for example with `pip install 'transformer-lens>=3.8,<4' git+https://github.com/hannamw/EAP-IG`.

Its scores are allocated on "cuda", and it tokenises texts; here they go to the CPU, and it gets the token ids of our prompts, of
those whose counterfactual is a text (it knows no mean embeddings). Weights ask for no gradient, which saves it time. Nothing else
of it is changed. Its rule is our "left" one: gradients at 0, 1/m, ... of the way from the counterfactual prompt.
Each side runs in processes of its own, in turn, so that the peak of one is not the other's.
"""

import argparse
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import torch
import transformers
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.faithfulness import spearman  # noqa: E402
from benchmarks.real_circuit import sample  # noqa: E402
from core.circuit.attribution import attribute_pairs  # noqa: E402
from core.circuit.graph import paths  # noqa: E402
from core.circuit.prompt_pairs import MEAN, PromptPair  # noqa: E402
from core.models.families import anatomy  # noqa: E402
from core.workspace import Workspace  # noqa: E402

PROMPTS, POINTS, BATCH, REPEATS, TOP = 4, 5, 4, 3, 1000
Work = Callable[[], Tensor]
TITLES = {"ours": "`core.circuit.attribution`", "theirs": "authors' code on TransformerLens"}
TARGET = Path(__file__).with_suffix(".md")


def ours(model: nn.Module, pairs: Sequence[PromptPair]) -> Work:
    return lambda: attribute_pairs(model, pairs, POINTS, "left", BATCH).edges


def theirs(model: nn.Module, pairs: Sequence[PromptPair]) -> Work:
    """The authors' code; rows and columns of its scores are those of `core.circuit.graph`."""
    attribute, graph = import_module("eap.attribute"), import_module("eap.graph")
    lens, zeros = hooked_transformer(model), torch.zeros
    edges = graph.Graph.from_model(lens)
    prompts = [batch(pairs[i : i + BATCH]) for i in range(0, len(pairs), BATCH)]

    def on_cpu(*size: Any, **options: Any) -> Tensor:
        return zeros(*size, **options | {"device": "cpu"})

    def work() -> Tensor:
        with patch.object(torch, "zeros", on_cpu), patch.object(attribute, "tokenize_plus", padded):
            attribute.attribute(lens, edges, prompts, metric, "EAP-IG-inputs", ig_steps=POINTS, quiet=True)
        return edges.scores

    return work


def hooked_transformer(model: nn.Module) -> Any:
    """The same weights as TransformerLens runs them, with the hooks that the authors' code asks for."""
    lens, config = import_module("transformer_lens"), model.config
    convert = import_module("transformer_lens.pretrained.weight_conversions").convert_llama_weights
    settings = lens.HookedTransformerConfig(
        d_model=config.hidden_size, d_head=config.head_dim, n_heads=config.num_attention_heads, d_mlp=config.intermediate_size,
        n_layers=config.num_hidden_layers, n_ctx=512, eps=config.rms_norm_eps, d_vocab=config.vocab_size, act_fn=config.hidden_act,
        n_key_value_heads=config.num_key_value_heads, normalization_type="RMS", positional_embedding_type="rotary",
        rotary_adjacent_pairs=False, rotary_dim=config.head_dim, rotary_base=config.rope_parameters["rope_theta"], final_rms=True,
        gated_mlp=True, device="cpu", use_attn_result=True, use_split_qkv_input=True, use_hook_mlp_in=True,
        ungroup_grouped_query_attention=True,
    )  # fmt: skip
    result = lens.HookedTransformer(settings, tokenizer=None)
    result.load_state_dict(convert(model, settings), strict=False)
    return result.requires_grad_(False)


def batch(pairs: Sequence[PromptPair]) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]], Tensor]:
    """Clean prompts, counterfactual prompts and answers."""
    answers = torch.tensor([(one.right, one.wrong) for one in pairs])
    return [one.ids for one in pairs], [one.corrupted for one in pairs], answers


def padded(_model: object, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor, Tensor, int]:
    """Token ids padded on the right, their mask, their lengths and the longest length, as `tokenize_plus` answers."""
    lengths = torch.tensor([len(one) for one in prompts])
    ids = nn.utils.rnn.pad_sequence([torch.tensor(one) for one in prompts], batch_first=True)
    mask = torch.arange(ids.shape[1]) < lengths[:, None]
    return ids, mask.long(), lengths, ids.shape[1]


def metric(logits: Tensor, _clean: Tensor, lengths: Tensor, answers: Tensor) -> Tensor:
    """Sum over prompts of logit[right] - logit[wrong] at the last token."""
    last = logits[torch.arange(len(lengths)), lengths - 1]
    return (last.gather(1, answers[:, :1]) - last.gather(1, answers[:, 1:])).sum()


def measure(name: str, target: Path) -> None:
    """Score with one side; store its scores, its seconds, and the peak of the process before and after, in GB."""
    torch.set_num_threads(1)
    recommender, pairs = sample(Workspace(ROOT / "assets/demo-smollm2"))
    model, pairs = recommender.model.merge_and_unload(), [one for one in pairs if MEAN not in one.corrupted][:PROMPTS]
    work, before = SIDES[name](model, pairs), peak()
    started = time.perf_counter()
    scores = work()[paths(anatomy(model))]
    costs = torch.tensor([time.perf_counter() - started, before, peak()])
    save_file({"scores": scores.detach().clone(), "costs": costs, "pairs": torch.tensor(len(pairs))}, target)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def child(name: str, folder: Path) -> dict[str, Tensor]:
    """What `measure` stores, from a process of its own."""
    target = folder / "measured.safetensors"
    subprocess.run([sys.executable, __file__, name, str(target)], check=True)
    found: dict[str, Tensor] = load_file(target)
    print(name, found["costs"].tolist(), flush=True)
    return found


def lines(pairs: Sequence[Mapping[str, Mapping[str, Tensor]]]) -> Iterator[str]:
    """The table of costs, and how far the scores agree."""
    yield "| code | seconds | peak while it loads, GB | peak, GB |"
    yield "| --- | --- | --- | --- |"
    for name, title in TITLES.items():
        seconds, before, after = torch.stack([one[name]["costs"] for one in pairs]).median(0).values.tolist()
        yield f"| {title} | {seconds:.0f} | {before:.2f} | {after:.2f} |"
    ratios = sorted((one["ours"]["costs"][0] / one["theirs"]["costs"][0]).item() for one in pairs)
    mine, other = pairs[0]["ours"]["scores"], pairs[0]["theirs"]["scores"]
    strongest = {
        name: set(scores.abs().topk(TOP).indices.tolist()) for name, scores in (("ours", mine), ("theirs", other))
    }
    yield ""
    yield (
        f"Ours takes {median(ratios):.2f} [{ratios[0]:.2f}, {ratios[-1]:.2f}] of the authors' seconds. Of {len(mine):,} edges: Spearman "
        f"{spearman(mine, other):.6f}; largest difference {(mine - other).abs().max():.1e} logits beside a largest score of "
        f"{other.abs().max():.1e}; {len(strongest['ours'] & strongest['theirs'])} of the {TOP} strongest are the same."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", nargs="?", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("target", nargs="?", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    transformers.logging.set_verbosity_error()
    if options.side:
        return measure(options.side, options.target)
    with tempfile.TemporaryDirectory() as folder:
        pairs = [
            {name: child(name, Path(folder)) for name in sorted(SIDES, reverse=bool(i % 2))} for i in range(REPEATS)
        ]
    found = [
        "# EAP-IG beside its authors' code, on SmolLM2", "",
        f"`python benchmarks/eap_ig.py`. {pairs[0]['ours']['pairs']} prompts of the forget set (seed 0), {POINTS} gradients, rule "
        f"\"left\", batches of {BATCH}, adapter merged; the medians of {REPEATS} pairs of processes, in alternating order, with the range "
        f"of the pairs' ratios in brackets. {platform.machine()}, 1 thread, float32, Python {platform.python_version()}, torch "
        f"{torch.__version__}, transformers {transformers.__version__}, transformer-lens {version('transformer-lens')}.", "",
        *lines(pairs), "",
    ]  # fmt: skip
    TARGET.write_text("\n".join(found), encoding="utf-8")
    print("\n".join(found))
    return None


SIDES: Mapping[str, Callable[[nn.Module, Sequence[PromptPair]], Work]] = {"ours": ours, "theirs": theirs}

if __name__ == "__main__":
    main()
