"""What a run will need, said before it is launched: how much memory, and about how long."""

from dataclasses import dataclass
from statistics import fmean
from typing import Any

import psutil
import torch
from transformers import AutoConfig, AutoTokenizer

from core.context import Context, make_context
from core.evaluation.ranking import CHUNK_TOKENS
from core.models.recommender import check_folder, choose_device, resolve
from core.runs.probe import measured, parameters
from core.runs.reads import Lengths, reads
from core.unlearning.conflict import TOKENS
from core.unlearning.losses import AHEAD
from core.unlearning.methods import method_of
from core.workspace import Workspace

# Copies of the adapter in float32: where it was, moments, both gradients, the move and what they are combined from.
COPIES = 12


@dataclass(frozen=True, slots=True)
class Estimate:
    """memory: about the most bytes that the run will hold. free: bytes free on its device now. seconds: from its start to its
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


def estimate(workspace: Workspace, request_id: str, method: str = "cure", device: str = "auto") -> Estimate:
    """What a run of a request would need on a device of this machine.

    Raises RequestError, ModelError, DeviceError, or RunError for an unknown method.
    """
    how, (where, dtype) = method_of(method), choose_device(device)
    folder = resolve(workspace.path(workspace.settings.base), workspace.settings.base_revision)
    check_folder(folder)
    config = AutoConfig.from_pretrained(folder)
    context = make_context(workspace, workspace.request(request_id), AutoTokenizer.from_pretrained(folder))
    lengths, begun = Lengths(context), _begun(where)
    batch = workspace.settings.batch_size if how.retrain else how.batch_size
    token = measured(config, workspace.settings.rank, batch, round(lengths.padded("retain", batch)), where, dtype)
    read = reads(context, lengths, how, config)
    whole, adapter = parameters(config, workspace.settings.rank)
    there_and_back = max(
        batch * lengths.longest, TOKENS if how.grouped else 0
    )  # tokens at once; groups ask for gradients too
    held = max(_ranking(config, dtype), token.kept * there_and_back + _said(context, lengths, config, batch))
    memory = begun + whole * dtype.itemsize + COPIES * 4 * adapter + held
    seconds = read.plain * token.forward + read.with_gradient * token.step + read.candidates * lengths.candidate[1]
    name = str(dtype).removeprefix("torch.")
    return Estimate(
        str(where), name, whole, round(memory), _free(where), seconds, round(read.plain + read.with_gradient)
    )


def _ranking(config: Any, dtype: torch.dtype) -> int:
    """Bytes of the keys and values that candidates share, and of their copy while it grows."""
    heads = getattr(config, "num_key_value_heads", config.num_attention_heads)
    size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * CHUNK_TOKENS * config.num_hidden_layers * 2 * heads * size * dtype.itemsize


def _said(context: Context, lengths: Lengths, config: Any, batch: int) -> float:
    """Bytes of the logits that are kept beside a step: of the forget set, and of kept prompts some steps ahead."""
    forget = sum(one.answer_tokens for one in context.encode(context.split.forget))
    ahead = AHEAD * batch * fmean(one.answer_tokens for one in lengths.encoded["retain"])
    return 4 * config.vocab_size * (forget + ahead)


def _begun(where: torch.device) -> int:
    """Bytes that a process holds before it has a model: on a card nothing of it counts."""
    return psutil.Process().memory_info().rss if where.type == "cpu" else 0


def _free(where: torch.device) -> int:
    return torch.cuda.mem_get_info(where)[0] if where.type == "cuda" else psutil.virtual_memory().available
