"""Run a circuit: every edge outside it carries its activation from the counterfactual prompt.

1. Run the counterfactual prompt x' and keep what every source writes, z_u(x').
2. Run the clean prompt. The input of each destination v becomes

       in_v + sum over u of (1 - keep[u, v]) (z_u(x') - z_u)

   where z_u is the output of source u in this same run. Earlier patches thus reach later modules, and the result is
   exact: no linear approximation.

For masks of whole modules, `ModulesPatch` replaces the outputs of the modules outside the circuit, at the cost of a
plain run.

Source: path patching, Goldowsky-Dill et al. 2023, arXiv 2304.05969, here for any set of edges at once.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from core.circuit.graph import destination_columns, destinations, mlp_sources, sources
from core.circuit.head_weights import HeadWeights, head_weights, stream
from core.circuit.hooks import ActivationCache, Visitor, hooked
from core.circuit.prompt_pairs import CLEAN, CORRUPTED, PairBatch, PromptPair, batches
from core.models.families import Anatomy, anatomy
from core.models.norms import accumulation_dtype

# From a batch, the activations of its counterfactual prompts and the model's head weights to the patch of that batch.
PatchFactory = Callable[[PairBatch, ActivationCache, HeadWeights], Visitor]


def run_circuit(
    model: nn.Module,
    pairs: Sequence[PromptPair],
    keep: Float[Tensor, "sources destinations"],
    batch_size: int = 8,
    memory_budget_mib: int = 64,
) -> Float[Tensor, " n"]:
    """Metric of each pair, in logits, with only the edges of a circuit intact.

    Args:
        model: A Hugging Face causal LM, plain or with a live LoRA adapter.
        pairs: The prompt pairs.
        keep: 1 for edges that carry clean activations, 0 for corrupted ones; rows are `graph.sources`, columns
            `graph.destinations`. All ones is the clean run, all zeros the corrupted one.
        batch_size: Pairs per batch.
        memory_budget_mib: MiB for the largest temporary tensors.
    """
    return run_circuits(model, pairs, [keep], batch_size, memory_budget_mib)[0]


def run_circuits(
    model: nn.Module,
    pairs: Sequence[PromptPair],
    keeps: Sequence[Float[Tensor, "sources destinations"]],
    batch_size: int = 8,
    memory_budget_mib: int = 64,
) -> Float[Tensor, "k n"]:
    """`patched` for several masks, which share the run of the counterfactual prompts."""
    return _runs(model, pairs, [_edges_patch(1 - keep, memory_budget_mib) for keep in keeps], batch_size)


def run_module_circuits(
    model: nn.Module, pairs: Sequence[PromptPair], circuits: Sequence[Collection[str]], batch_size: int = 8
) -> Float[Tensor, "k n"]:
    """Metric of each pair, in logits, with all modules outside each circuit corrupted.

    Equals `patched` with `keep_modules` masks, at the cost of a plain run.
    """
    return _runs(model, pairs, [_modules_patch(set(circuit)) for circuit in circuits], batch_size)


def run_node_circuits(
    model: nn.Module, pairs: Sequence[PromptPair], circuits: Sequence[Collection[tuple[str, int]]], batch_size: int = 8
) -> Float[Tensor, "k n"]:
    """Metric of each pair, in logits, with every module corrupted at all parts of the prompt outside each circuit.

    Args:
        model: A Hugging Face causal LM, plain or with a live LoRA adapter.
        pairs: The prompt pairs.
        circuits: Each holds nodes: a module and a part of the prompt (`PromptPair.slots`).
        batch_size: Pairs per batch.
    """
    return _runs(model, pairs, [_nodes_patch(set(circuit)) for circuit in circuits], batch_size)


def module_effects(
    model: nn.Module, pairs: Sequence[PromptPair], modules: Sequence[str], batch_size: int = 8
) -> Float[Tensor, "n modules"]:
    """Exact change of the metric, in logits, when one module alone is corrupted; node scores approximate it."""
    everything = set(anatomy(model).modules)
    changed = run_module_circuits(model, pairs, [everything, *(everything - {name} for name in modules)], batch_size)
    return (changed[1:] - changed[0]).T


def keep_modules(parts: Anatomy, modules: Collection[str]) -> Float[Tensor, "sources destinations"]:
    """Mask that keeps all edges out of the input and out of `modules`, and no others."""
    rows = torch.tensor([float(name == "input" or name in modules) for name in sources(parts)])
    return rows[:, None].expand(-1, len(destinations(parts)))


@torch.no_grad()
def _runs(
    model: nn.Module, pairs: Sequence[PromptPair], patches: Sequence[PatchFactory], batch_size: int
) -> Float[Tensor, "k n"]:
    parts = anatomy(model)
    weights = head_weights(parts)
    result = torch.zeros(len(patches), len(pairs), dtype=accumulation_dtype(parts.embed.weight))
    for chosen, batch in batches(parts, pairs, batch_size):
        corrupted = ActivationCache(batch.start)
        with hooked(parts, corrupted):
            batch.metric(batch.embeddings(CORRUPTED))
        for row, make_patch in enumerate(patches):
            with hooked(parts, make_patch(batch, corrupted, weights)):
                result[row, chosen] = batch.metric(batch.embeddings(CLEAN)).to(result)
    return result


def _modules_patch(circuit: set[str]) -> PatchFactory:
    return lambda batch, corrupted, head_weights: ModulesPatch(batch.parts, corrupted, head_weights, circuit)


def _nodes_patch(nodes: set[tuple[str, int]]) -> PatchFactory:
    return lambda batch, corrupted, head_weights: NodesPatch(batch, corrupted, head_weights, nodes)


def _edges_patch(drop: Tensor, memory_budget_mib: int) -> PatchFactory:
    return lambda batch, corrupted, head_weights: _EdgesPatch(batch, corrupted, head_weights, drop, memory_budget_mib)


class _Patch(Visitor):
    """Base of both patches; leaves positions before the cache's start alone, where both prompts are equal."""

    def __init__(self, parts: Anatomy, corrupted: ActivationCache, head_weights: HeadWeights) -> None:
        self.parts, self.start, self.corrupted, self.weights = parts, corrupted.start, corrupted, head_weights

    def shifted(self, x: Tensor, shift: Tensor) -> Tensor:
        """Return x with `shift` added from the start on."""
        return torch.cat([x[:, : self.start], (x[:, self.start :] + shift).to(x.dtype)], 1)


class ModulesPatch(_Patch):
    """Replaces the output of every module outside a circuit by its output on the counterfactual prompt."""

    def __init__(
        self, parts: Anatomy, corrupted: ActivationCache, head_weights: HeadWeights, circuit: Collection[str]
    ) -> None:
        super().__init__(parts, corrupted, head_weights)
        # Subclasses bind another tensor to `outside`. None is written in place, and each hook returns a new tensor
        # (`shifted`), so nothing changes that another hook, the cache or autograd still reads.
        self.outside = torch.tensor([name not in circuit for name in parts.modules])
        self.outside = self.outside.view(len(parts.layers), -1).to(parts.embed.weight.device)

    def attention_output(self, layer: int, heads: Tensor, out: Tensor) -> Tensor:
        """Replace the parts of the heads outside the circuit."""
        change = (self.corrupted.head[layer] - heads[:, self.start :]) * self.outside[layer][..., :-1, None].to(out)
        return self.shifted(out, torch.einsum("bphk,hkd->bpd", change, self.weights.write[layer].to(out)))

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        """Replace the output of an MLP outside the circuit."""
        change = self.corrupted.mlp[layer] - out[:, self.start :]
        return self.shifted(out, change * self.outside[layer][..., -1:].to(out))


class StrengthsPatch(ModulesPatch):
    """Scales what each module writes, measured from its output on the counterfactual prompt.

    At strength 0 the module writes that output, at 1 its own, at 2 it is twice as far from that output, and a negative
    strength takes it to the other side.
    """

    def __init__(
        self, parts: Anatomy, corrupted: ActivationCache, head_weights: HeadWeights, strengths: Mapping[str, float]
    ) -> None:
        super().__init__(parts, corrupted, head_weights, ())
        shares = torch.tensor([1.0 - strengths.get(name, 1.0) for name in parts.modules])
        self.outside = shares.view(len(parts.layers), -1).to(parts.embed.weight.device)


class NodesPatch(ModulesPatch):
    """As `ModulesPatch`, but a module can be inside the circuit at one part of the prompt and outside at another."""

    def __init__(
        self,
        batch: PairBatch,
        corrupted: ActivationCache,
        head_weights: HeadWeights,
        nodes: Collection[tuple[str, int]],
    ) -> None:
        super().__init__(batch.parts, corrupted, head_weights, ())
        slots, modules = batch.slots[:, corrupted.start :], self.parts.modules
        outside = [[(name, slot) not in nodes for name in modules] for slot in range(int(slots.max()) + 1)]
        by_token = torch.tensor(outside, device=slots.device)[slots]  # [b, p, modules]
        self.outside = torch.unflatten(by_token, -1, (len(self.parts.layers), -1)).movedim(2, 0)


class _EdgesPatch(_Patch):
    """Adds to the input of each destination the corruption of its dropped edges, a chunk of tokens at a time."""

    def __init__(
        self,
        batch: PairBatch,
        corrupted: ActivationCache,
        head_weights: HeadWeights,
        drop: Float[Tensor, "sources destinations"],
        memory_budget_mib: int,
    ) -> None:
        super().__init__(batch.parts, corrupted, head_weights)
        self.drop = drop.to(corrupted.input[0])
        self.heads: list[Tensor] = []  # z(x') - z of the layers that have run
        self.mlps: list[Tensor] = []
        bytes_per_token = (len(drop) + 6 * self.parts.n_heads) * self.parts.d_model * corrupted.input[0].element_size()
        self.chunk_size = max(1, memory_budget_mib * 2**20 // bytes_per_token)

    def attention_input(self, layer: int, x: Tensor) -> Tensor:
        """Compute the q, k and v of every head from its own patched input; `project` puts them in place."""
        stream_input = x[:, self.start :]
        if layer == 0:
            self.input = self.corrupted.input[0] - stream_input
        norm = self.parts.layers[layer].attention_norm
        read, const = self.weights.read[layer].to(x), self.weights.const[layer]

        def project(shift: Tensor, chunk: slice) -> Tensor:
            normal, _ = norm.normalise(stream_input.flatten(0, 1)[chunk] + shift)
            return torch.einsum("htd,hkd->thk", normal.to(x), read) + const

        shifts = self._shifts(self.drop[:, destination_columns(self.parts, layer)])
        heads = torch.cat([project(shift, chunk) for shift, chunk in shifts])
        self.projected = torch.unflatten(heads, 0, stream_input.shape[:2])
        return x

    def project(self, _layer: int, first: int, out: Tensor) -> Tensor:
        """Replace queries, keys or values by those of the patched inputs."""
        new = self.projected[:, :, first : first + out.shape[2]]
        return torch.cat([out[:, : self.start], new.to(out)], 1)

    def attention_output(self, layer: int, heads: Tensor, out: Tensor) -> Tensor:
        """Keep how the layer's heads differ from the counterfactual run."""
        self.heads.append(self.corrupted.head[layer] - heads[:, self.start :])
        return out

    def mlp_input(self, layer: int, x: Tensor) -> Tensor:
        """Patch the input of the MLP."""
        stop = mlp_sources(self.parts, layer)
        return self._patched(x, self.drop[:stop, destination_columns(self.parts, layer).stop])

    def mlp_output(self, layer: int, out: Tensor) -> Tensor:
        """Keep how the layer's MLP differs from the counterfactual run."""
        self.mlps.append(self.corrupted.mlp[layer] - out[:, self.start :])
        return out

    def logits_input(self, x: Tensor) -> Tensor:
        """Patch the input of the final norm."""
        return self._patched(x, self.drop[:, -1])

    def _patched(self, x: Tensor, column: Float[Tensor, " f"]) -> Tensor:
        """The input of a single destination with the corruption of its dropped edges added."""
        shift = torch.cat([shift[0] for shift, _ in self._shifts(column[:, None])])
        return self.shifted(x, shift.view_as(x[:, self.start :]))

    def _shifts(self, drop: Float[Tensor, "f c"]) -> Iterator[tuple[Float[Tensor, "c t d"], slice]]:
        """Corruption of the dropped edges of some destinations, from the sources that have run, by chunk of tokens."""
        tokens = self.input[..., 0].numel()
        for first in range(0, tokens, self.chunk_size):
            chunk = slice(first, first + self.chunk_size)
            heads, mlps = ([value.flatten(0, 1)[chunk] for value in values] for values in (self.heads, self.mlps))
            changes = stream(self.input.flatten(0, 1)[chunk], heads, mlps, self.weights.write)[: len(drop)]
            yield torch.einsum("fc,ftd->ctd", drop[: len(changes)], changes), chunk
