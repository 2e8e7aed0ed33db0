"""A Hugging Face causal LM with a recommendation adapter, loaded safely.

Safetensors only, no remote code, adapters only on the base they were made for.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from core.errors import ModelError, WorkspaceError
from core.models.device import choose_device
from core.models.hub import fingerprint, resolve
from core.models.token_counter import Meter
from core.models.validation import check_adapter, check_folder
from core.types import Task
from core.utils.atomic_io import disk_error
from core.utils.serialization import read_json, write_json

logging.disable_progress_bar()  # its bars would tear ours

ADAPTER = "default"  # PEFT's name of the adapter that is served


@dataclass(frozen=True)
class Recommender:
    """A loaded model ready to score. yes, no: ids of the answer tokens (click task; -1 in next_item). meter: what it has read."""

    model: Any
    tokenizer: Any
    task: Task
    yes: int
    no: int
    device: torch.device
    dtype: torch.dtype
    meter: Meter = field(default_factory=Meter)

    @property
    def choices(self) -> tuple[int, int] | None:
        """The tokens that can answer; None where any token can."""
        return (self.yes, self.no) if self.task is Task.CLICK else None


def load(
    base: str,
    adapter: str | None,
    task: Task,
    answers: tuple[str, str],
    device: str = "auto",
    revision: str | None = None,
    trainable: bool = False,
) -> Recommender:
    """Load base and adapter from local folders or from a hub id with its revision.

    answers: the texts of the Yes and No answers as they follow a prompt, e.g. (" Yes", " No"). device: one of
    `choose_device`, or several cards with commas between them for a model that is larger than one.
    Raises ModelError for pickled weights, an unknown family, a foreign adapter, answers of several tokens, or cards that are
    too small; DeviceError.
    """
    cards = device.split(",")
    where, dtype = choose_device(cards[0])
    folder = resolve(base, revision)
    check_folder(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        trust_remote_code=False,
        use_safetensors=True,
        **(device_map(cards) if len(cards) > 1 else {}),
    )
    if beside := sorted({str(part) for part in getattr(model, "hf_device_map", {}).values()} & {"cpu", "disk"}):
        raise ModelError(
            f"Base model {folder} does not fit on {device}: a part of it would lie on {' and '.join(beside)}. "
            "Set more cards under clusters, or free those."
        )
    if adapter is not None:
        check_adapter(Path(adapter), folder)
        model = PeftModel.from_pretrained(model, adapter, is_trainable=trainable, use_safetensors=True)
    yes, no = answer_tokens(tokenizer, answers) if task is Task.CLICK else (-1, -1)
    model = model.eval() if len(cards) > 1 else model.to(where).eval()
    loaded = Recommender(model, tokenizer, task, yes, no, where, dtype)
    loaded.meter.attach(model)
    return loaded


def device_map(cards: Sequence[str]) -> dict[str, Any]:
    """How transformers, through accelerate, lays a model's layers out over cards, as evenly as their free memory lets it."""
    free = {torch.device(card).index: torch.cuda.mem_get_info(card)[0] for card in cards}
    return {"device_map": "balanced", "max_memory": free}


def answer_tokens(tokenizer: Any, answers: tuple[str, str]) -> tuple[int, int]:
    """The ids of Yes and No as they follow a prompt. Raises ModelError unless each is one token and they differ."""
    start = len(tokenizer('":')["input_ids"])
    yes, no = (tokenizer('":' + answer)["input_ids"][start:] for answer in answers)
    if len(yes) != 1 or len(no) != 1 or yes == no:
        raise ModelError(
            f"The tokenizer writes {answers[0]!r} as {len(yes)} and {answers[1]!r} as {len(no)} tokens: "
            "the click task needs one different token each, so use another model or the next_item task."
        )
    return yes[0], no[0]


def lora(rank: int, revision: str | None = None) -> LoraConfig:
    """The shape of every adapter that is made here."""
    return LoraConfig(
        r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM", revision=revision
    )


def new_adapter(model: Any, rank: int, base: Path, seed: int) -> PeftModel:
    """A fresh LoRA adapter (alpha = 2 rank) on every linear layer of the decoder, B zero, A seeded."""
    torch.manual_seed(seed)
    config = lora(rank, revision=fingerprint(base))
    adapted = get_peft_model(model, config)
    config.base_model_name_or_path = "base"  # the fingerprint pins it; a path would name this machine
    return adapted


def adapter_weights(model: Any) -> dict[str, torch.Tensor]:
    """A copy of the served adapter's weights, by parameter name."""
    return {name: value.detach().clone() for name, value in model.named_parameters() if f".{ADAPTER}." in name}


@torch.no_grad()
def put_adapter_weights(model: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Put back, or in, what `adapter_weights` gave."""
    for name, value in model.named_parameters():
        if name in weights:
            value.copy_(weights[name])


@contextmanager
def preserve_adapter(model: Any) -> Iterator[None]:
    """The served adapter may be trained inside; afterwards it is what it was, to the bit."""
    before = adapter_weights(model)
    model.set_adapter(ADAPTER)  # PEFT makes its weights trainable
    try:
        yield
    finally:
        put_adapter_weights(model, before)


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write the active adapter, safetensors and its configuration, whole or not at all. Raises WorkspaceError."""
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        _write_adapter(model, part)
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)
    except SafetensorError as error:  # the library's own word for what the disk refused
        raise WorkspaceError(f"{folder} cannot be written ({error}): check the disk and its free space.") from error
    except OSError as error:
        raise disk_error(folder, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_adapter(model: PeftModel, folder: Path) -> None:
    model.save_pretrained(str(folder), selected_adapters=[ADAPTER], save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's model card says nothing here
    config = read_json(folder / "adapter_config.json")
    if isinstance(config["target_modules"], list):  # a set inside PEFT: its order changes from process to process
        write_json(folder / "adapter_config.json", config | {"target_modules": sorted(config["target_modules"])})
