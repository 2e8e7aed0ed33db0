"""Estimate of a run's time and memory by its tokens, to about a factor of two; `learned` makes it more accurate."""

from dataclasses import dataclass, field
from typing import Any

import psutil
import torch

from core.errors import RunError
from core.evaluation.ranking import CHUNK_TOKENS
from core.evaluation.ranking_budget import ranking_budget
from core.models.base_parts import load_config, load_tokenizer
from core.models.batching import GRADIENT_TOKENS
from core.models.device import choose_device
from core.models.hub import resolve
from core.models.validation import check_folder
from core.pipeline.context import RequestContext, adapter_recipe, make_context
from core.runs.answer_files import without_answers
from core.runs.device_locks import free as free_devices
from core.runs.device_locks import gpu_count, usable_devices
from core.runs.estimate.timing import Cost, measured, parameters
from core.runs.estimate.tokens import Lengths, reads
from core.types import Task
from core.types.aliases import stored_as
from core.unlearning.methods import Method, method_of
from core.unlearning.paired_losses import AHEAD
from core.unlearning.teachers import OVERFIT
from core.workspace import Workspace

# Copies of the adapter in float32: original, moments, both gradients, the update and its parts.
COPIES = 12
LOGITS = 3  # float32 values per vocabulary entry and answer token: logits, log-probabilities, gradient


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run will need.

    Attributes:
        device: Device name, or several with commas.
        dtype: Floating-point type of the weights.
        parameters: Parameters of the base model.
        peak_bytes: Peak memory of the run, in bytes.
        free: Free memory of the device now, in bytes.
        seconds: Duration without waiting in the queue.
        tokens: Tokens that the run reads.
        runs: Number of finished runs that corrected the estimate.
    """

    device: str
    dtype: str
    parameters: int
    peak_bytes: int = field(metadata=stored_as("memory"))
    free: int
    seconds: float
    tokens: int
    runs: int = 0

    @property
    def fits(self) -> bool:
        """Whether the run fits into the free memory."""
        return self.peak_bytes <= self.free


def estimate_by_tokens(workspace: Workspace, request_id: str, method: str, device: str, steps: int) -> Estimate:
    """Estimate a run on this machine: the tokens it reads times the cost of a token, which is measured here.

    Args:
        workspace: The workspace.
        request_id: The request to unlearn.
        method: A name of METHODS.
        device: "auto", "cpu" or "cuda". With `cards` in the workspace's settings, several GPUs are used.
        steps: Number of unlearning steps; 0 for the method's own.

    Raises:
        RequestError: The request cannot be served.
        ModelError: The base model cannot be used.
        DeviceError: The device is not available.
        RunError: The method or a launcher's option cannot be used, or the device cannot hold two layers of the model.
    """
    how, devices = method_of(method, steps), _devices(workspace, device)
    request = workspace.request(request_id)
    workspace.check(request)
    (where, dtype), free = choose_device(devices[0]), sum(_free(torch.device(one)) for one in devices)
    folder = resolve(workspace.base, workspace.settings.base_revision)
    check_folder(folder)
    config = load_config(folder)
    context = make_context(workspace, request, load_tokenizer(folder))
    lengths, baseline = Lengths(context), _baseline(where)
    batch = _batch(workspace, how)
    length = round(lengths.padded("retain", batch))
    try:
        token = measured(config, workspace.settings.rank, batch, length, where, dtype)
    except torch.OutOfMemoryError as error:
        raise RunError(
            f"Device {where} has no room for two layers of the model: free it, or choose another."
        ) from error
    whole, adapter = parameters(config, adapter_recipe(workspace))
    read = reads(context, lengths, how, config, ranking_budget(whole, workspace.settings.ranking_titles))
    activations = _activations(context, lengths, how, config, dtype, token)
    peak_bytes = baseline + _weights(context, how, whole, adapter, dtype) + activations
    seconds = read.plain * token.forward + read.with_gradient * token.step + read.candidates * lengths.candidate[1]
    tokens, name = round(read.plain + read.with_gradient), str(dtype).removeprefix("torch.")
    return Estimate(",".join(devices), name, whole, round(peak_bytes), free, seconds, tokens)


def _devices(workspace: Workspace, device: str) -> tuple[str, ...]:
    """The devices that a run would take: free ones first, as many as the settings ask for."""
    choose_device(device)
    known = usable_devices(device)
    idle = free_devices(known)
    ordered = (*idle, *(name for name in known if name not in idle))
    return ordered[: gpu_count(workspace, "local")]


def _batch(workspace: Workspace, how: Method) -> int:
    """Prompts in the largest training batch."""
    if how.retrain:
        return workspace.settings.batch_size
    return max(how.batch_size, OVERFIT.batch_size) if how.needs_overfit_copy else how.batch_size


def _weights(context: RequestContext, how: Method, whole: int, adapter: int, dtype: torch.dtype) -> int:
    """Bytes of all models in memory at once, and of all copies of the adapter; `whole` and `adapter` are parameters."""
    models = 1 + how.retrain + bool(without_answers(context.workspace.reference_folders(context.request.id)))
    return models * whole * dtype.itemsize + COPIES * 4 * adapter


def _activations(
    context: RequestContext, lengths: Lengths, how: Method, config: Any, dtype: torch.dtype, token: Cost
) -> float:
    """Bytes of activations: those of the largest training step, or of ranking, whichever is more."""
    batch = _batch(context.workspace, how)
    tokens = max(batch * lengths.longest, GRADIENT_TOKENS if how.needs_circuits else 0)  # circuits need gradients too
    logits = LOGITS * 4 * config.vocab_size * batch * max(lengths.answers("forget"), lengths.answers("retain"))
    step = token.kept * tokens + logits + _kept_logits(lengths, config, batch)
    return max(float(step), _ranking(context, lengths, config, dtype))


def _ranking(context: RequestContext, lengths: Lengths, config: Any, dtype: torch.dtype) -> float:
    """Bytes of the key/value cache that candidates share, of its copy while it grows, and of title logits."""
    heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    cache = 2 * CHUNK_TOKENS * config.num_hidden_layers * 2 * heads * size * dtype.itemsize
    if context.workspace.settings.task is Task.CLICK:
        return float(cache)  # one answer token per candidate
    tail = lengths.candidate[0] / (lengths.one("test") + lengths.candidate[0])
    return float(cache + LOGITS * 4 * config.vocab_size * CHUNK_TOKENS * tail)


def _kept_logits(lengths: Lengths, config: Any, batch: int) -> float:
    """Bytes of precomputed logits: of the forget set, and of retain prompts some steps ahead."""
    forget = lengths.counts["forget"] * lengths.answers("forget")
    return float(4 * config.vocab_size * (forget + AHEAD * batch * lengths.answers("retain")))


def _baseline(where: torch.device) -> int:
    """Bytes that the process holds before it loads a model; none of them on a GPU."""
    return psutil.Process().memory_info().rss if where.type == "cpu" else 0


def _free(where: torch.device) -> int:
    return torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else psutil.virtual_memory().available
