"""What a run will need, said before it is launched: how much memory, and about how long."""

from dataclasses import dataclass
from typing import Any

import psutil
import torch
from transformers import AutoConfig, AutoTokenizer

from core.errors import RunError
from core.evaluation.ranking import CHUNK_TOKENS
from core.models.device import choose_device
from core.models.hub import resolve
from core.models.validation import check_folder
from core.pipeline.context import RequestContext, make_context
from core.runs.device_locks import candidates, cards
from core.runs.device_locks import free as idle_of
from core.runs.estimate.timing import Cost, measured, parameters
from core.runs.estimate.tokens import Lengths, reads
from core.types import Task
from core.unlearning.gradient_conflict import TOKENS
from core.unlearning.methods import Method, method_of
from core.unlearning.paired_losses import AHEAD
from core.unlearning.teachers import OVERFIT
from core.workspace import Workspace

# Copies of the adapter in float32: where it was, moments, both gradients, the move and what they are combined from.
COPIES = 12
LOGITS = 3  # float32 values a word and answer token: what was said, its logarithms, and their gradient


@dataclass(frozen=True, slots=True)
class Estimate:
    """device: or cards, with commas between them. memory: about the most bytes that the run will hold. free: bytes free there now. seconds: from its start to its
    end, without the queue. tokens: that it reads. parameters: of the base model. How sure: benchmarks/estimate.md."""

    device: str
    dtype: str
    parameters: int
    memory: int
    free: int
    seconds: float
    tokens: int

    @property
    def fits(self) -> bool:
        return self.memory <= self.free


def estimate(
    workspace: Workspace, request_id: str, method: str = "cure", device: str = "auto", steps: int = 0
) -> Estimate:
    """What a run of a request would need on a device of this machine, or on the cards that the workspace's settings give to it.

    Raises RequestError, ModelError, DeviceError, or RunError for an unknown method and for a device without any room.
    """
    how, devices = method_of(method, steps), _devices(workspace, device)
    request = workspace.request(request_id)
    workspace.check(request)
    (where, dtype), free = choose_device(devices[0]), sum(_free(torch.device(one)) for one in devices)
    folder = resolve(workspace.base, workspace.settings.base_revision)
    check_folder(folder)
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    context = make_context(workspace, request, AutoTokenizer.from_pretrained(folder, trust_remote_code=False))
    lengths, begun = Lengths(context), _begun(where)
    batch = _batch(workspace, how)
    length = round(lengths.padded("retain", batch))
    try:
        token = measured(config, workspace.settings.rank, batch, length, where, dtype)
    except torch.OutOfMemoryError as error:
        raise RunError(
            f"Device {where} has no room for two layers of the model: free it, or choose another."
        ) from error
    read = reads(context, lengths, how, config)
    memory = begun + _weights(context, how, config, dtype) + _at_work(context, lengths, how, config, dtype, token)
    seconds = read.plain * token.forward + read.with_gradient * token.step + read.candidates * lengths.candidate[1]
    name, (whole, _) = str(dtype).removeprefix("torch."), parameters(config, workspace.settings.rank)
    return Estimate(
        ",".join(devices), name, whole, round(memory), free, seconds, round(read.plain + read.with_gradient)
    )


def _devices(workspace: Workspace, device: str) -> tuple[str, ...]:
    """Those that a run would take: free ones first, as many as the settings lay a model out over."""
    choose_device(device)
    known = candidates(device)
    idle = idle_of(known)
    ordered = (*idle, *(name for name in known if name not in idle))
    return ordered[: cards(workspace.settings, "local")]


def _batch(workspace: Workspace, how: Method) -> int:
    """Prompts of the largest step."""
    if how.retrain:
        return workspace.settings.batch_size
    return max(how.batch_size, OVERFIT.batch_size) if how.overfits else how.batch_size


def _weights(context: RequestContext, how: Method, config: Any, dtype: torch.dtype) -> int:
    """Bytes of the models that are there at once, and of what is kept of the adapter."""
    whole, adapter = parameters(config, context.workspace.settings.rank)
    models = 1 + how.retrain + bool(context.workspace.reference_folders(context.request.id))
    return models * whole * dtype.itemsize + COPIES * 4 * adapter


def _at_work(
    context: RequestContext, lengths: Lengths, how: Method, config: Any, dtype: torch.dtype, token: Cost
) -> float:
    """Bytes that the largest step keeps to go back, or that ranking takes, whichever is more."""
    batch = _batch(context.workspace, how)
    tokens = max(batch * lengths.longest, TOKENS if how.grouped else 0)  # groups ask for gradients too
    told = LOGITS * 4 * config.vocab_size * batch * max(lengths.answers("forget"), lengths.answers("retain"))
    step = token.kept * tokens + told + _said(lengths, config, batch)
    return max(step, _ranking(context, lengths, config, dtype))


def _ranking(context: RequestContext, lengths: Lengths, config: Any, dtype: torch.dtype) -> float:
    """Bytes of the keys and values that candidates share, of their copy while it grows, and of what is said of titles."""
    heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    cache = 2 * CHUNK_TOKENS * config.num_hidden_layers * 2 * heads * size * dtype.itemsize
    if context.workspace.settings.task is Task.CLICK:
        return cache  # one answer a candidate is read
    tail = lengths.candidate[0] / (lengths.one("test") + lengths.candidate[0])
    return cache + LOGITS * 4 * config.vocab_size * CHUNK_TOKENS * tail


def _said(lengths: Lengths, config: Any, batch: int) -> float:
    """Bytes of the logits that are kept beside a step: of the forget set, and of kept prompts some steps ahead."""
    forget = lengths.counts["forget"] * lengths.answers("forget")
    return 4 * config.vocab_size * (forget + AHEAD * batch * lengths.answers("retain"))


def _begun(where: torch.device) -> int:
    """Bytes that a process holds before it has a model: on a card nothing of it counts."""
    return psutil.Process().memory_info().rss if where.type == "cpu" else 0


def _free(where: torch.device) -> int:
    return torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else psutil.virtual_memory().available
