"""A Hugging Face causal LM with a LoRA recommendation adapter: safe loading, and new adapters.

Only safetensors are loaded, no remote code is run, and an adapter is loaded only on the base model it was trained on.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForCausalLM

from core.data.prompts import tokenize
from core.errors import ModelError
from core.models.adapter_fit import stored_shapes
from core.models.base_parts import first_line, load_config, load_tokenizer
from core.models.device import choose_device
from core.models.hub import fingerprint, resolve
from core.models.token_counter import TokenCounter
from core.models.validation import check_adapter, check_folder
from core.types import Task
from core.utils.atomic_io import disk_error
from core.utils.no_links import copy_file
from core.workspace.run_layout import AdapterLayout

ADAPTER = "default"  # PEFT's name of the active adapter
# PEFT asks each model by a name that transformers 5 has replaced; nobody who reads the warning could do anything.
warnings.filterwarnings("ignore", message="`is_gradient_checkpointing` is deprecated", category=FutureWarning)


@dataclass(frozen=True)
class Recommender:
    """A loaded model, ready to score prompts.

    Attributes:
        model: The causal LM, with its adapter if one was loaded.
        tokenizer: The base model's tokenizer.
        task: `click` or `next_item`.
        yes: Token id of the answer Yes in the click task; -1 in next_item.
        no: Token id of the answer No in the click task; -1 in next_item.
        device: Device of the inputs; a model over several GPUs has its first layers there.
        dtype: Dtype of the weights.
        adapter_digests: SHA-256 of the very bytes of a loaded adapter, by "weights" and "config".
        token_counter: Counts the tokens that the model processes.
    """

    model: Any
    tokenizer: Any
    task: Task
    yes: int
    no: int
    device: torch.device
    dtype: torch.dtype
    adapter_digests: Mapping[str, str] = field(default_factory=dict)
    token_counter: TokenCounter = field(default_factory=TokenCounter)

    @property
    def choices(self) -> tuple[int, int] | None:
        """Token ids of Yes and No in the click task; None in next_item, where any token can be the answer."""
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
    """Load a base model and, if named, its adapter.

    Args:
        base: Folder of the base model, or a hub id.
        adapter: Folder of the adapter; None for the base model alone.
        task: `click` or `next_item`.
        answers: Texts of the answers Yes and No as they follow a prompt, e.g. (" Yes", " No").
        device: A name for `choose_device`, or several of them, separated by commas, for a model that needs more than
            one GPU.
        revision: Commit of a hub model.
        trainable: If True, the adapter's weights have gradients.

    Raises:
        ModelError: Weights are pickled, the family is unknown, the adapter belongs to another base model, an answer
            has several tokens, or the GPUs are too small.
        DeviceError: A device is unknown or not present.
    """
    gpus = device.split(",")
    first_device, dtype = choose_device(gpus[0])
    folder = resolve(base, revision)
    check_folder(folder)
    tokenizer = load_tokenizer(folder)
    model = _load_base(folder, dtype, device_map(gpus) if len(gpus) > 1 else {})
    if overflow := sorted(
        {str(location) for location in getattr(model, "hf_device_map", {}).values()} & {"cpu", "disk"}
    ):
        raise ModelError(
            f"Base model {folder} does not fit on {device}: a part of it would lie on {' and '.join(overflow)}. "
            "Set more GPUs in the settings of the cluster, or free memory on these."
        )
    model, digests = (model, {}) if adapter is None else _with_adapter(model, Path(adapter), folder, trainable)
    yes, no = answer_tokens(tokenizer, answers) if task is Task.CLICK else (-1, -1)
    model = model.eval() if len(gpus) > 1 else model.to(first_device).eval()
    loaded = Recommender(model, tokenizer, task, yes, no, first_device, dtype, digests)
    loaded.token_counter.attach(model)
    return loaded


def _load_base(folder: Path, dtype: torch.dtype, placement: Mapping[str, Any]) -> Any:
    """Load a base model, and require that each of its weights came from the files."""
    config = load_config(folder)
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            config=config,
            dtype=dtype,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
            **placement,
        )
    except Exception as error:  # of many kinds, by the place of the damage
        fix = "restore its files, or free memory"
        raise ModelError(f"Base model {folder} cannot be loaded ({first_line(error)}): {fix}.") from error
    model, report = loaded
    if absent := sorted(report["missing_keys"]):  # filled with random numbers
        raise ModelError(f"Base model {folder} was loaded without its weight {absent[0]}: load it again.")
    return model


def _with_adapter(model: Any, adapter: Path, base: Path, trainable: bool) -> tuple[PeftModel, dict[str, str]]:
    """Add an adapter to a model, from a copy that nobody else can write, and return the digests of that copy."""
    check_adapter(adapter, base)
    with TemporaryDirectory(prefix="cure-lens-") as place:
        own = AdapterLayout(Path(place).resolve())
        _copy_adapter(AdapterLayout(adapter.resolve()), own.path)
        try:
            check_adapter(own.path, base)
        except ModelError as error:
            raise ModelError(f"Adapter {adapter} was changed while it was loaded: load it again.") from error
        adapted = PeftModel.from_pretrained(model, place, is_trainable=trainable, use_safetensors=True)
        _check_loaded(adapted, set(stored_shapes(own.path)), adapter)
        return adapted, own.digests()


def _copy_adapter(source: AdapterLayout, target: Path) -> None:
    try:
        for file in (source.weights, source.config):
            copy_file(file, target / file.name)
    except OSError as error:
        raise disk_error(target, error) from error


def _check_loaded(model: PeftModel, stored: set[str], adapter: Path) -> None:
    """Require that every stored weight is one of the loaded adapter: PEFT is silent about others, and loses them."""
    own = set(get_peft_model_state_dict(model, adapter_name=ADAPTER, save_embedding_layers=False))
    if other := sorted(own ^ stored):
        raise ModelError(
            f"Adapter {adapter} does not store the weights that its configuration names, for example {other[0]}: "
            "prepare a workspace with it, which says what to mend."
        )


def device_map(gpus: Sequence[str]) -> dict[str, Any]:
    """Arguments of `from_pretrained` that spread a model's layers evenly over several GPUs, by their free memory."""
    free = {torch.device(gpu).index: torch.cuda.mem_get_info(gpu)[0] for gpu in gpus}
    return {"device_map": "balanced", "max_memory": free}


def answer_tokens(tokenizer: Any, answers: tuple[str, str]) -> tuple[int, int]:
    """Token ids of Yes and No as they follow a prompt.

    Args:
        tokenizer: A Hugging Face tokenizer.
        answers: Texts of Yes and No.

    Raises:
        ModelError: An answer is not one token, or both are the same.
    """
    before, *both = (ids for ids, _ in tokenize(['":', *('":' + answer for answer in answers)], tokenizer))
    yes, no = (ids[len(before) :] for ids in both)
    if len(yes) != 1 or len(no) != 1 or yes == no:
        raise ModelError(
            f"The tokenizer writes {answers[0]!r} as {len(yes)} and {answers[1]!r} as {len(no)} tokens: "
            "the click task needs one different token each, so use other words (--templates), another model or the "
            "next_item task."
        )
    return yes[0], no[0]


def new_adapter(model: Any, config: LoraConfig, base: Path, seed: int) -> PeftModel:
    """Add a new LoRA adapter to a model, with B zero and A drawn at random.

    Args:
        model: The base model.
        config: The adapter's configuration, see `core.models.lora_recipe`.
        base: Folder of the base model, whose fingerprint is stored in the adapter's configuration.
        seed: Of the random draw.
    """
    torch.manual_seed(seed)
    config.revision = fingerprint(base)
    adapted = get_peft_model(model, config)
    config.base_model_name_or_path = "base"  # a path is specific to this machine; the fingerprint identifies the model
    return adapted


def adapter_weights(model: Any) -> dict[str, torch.Tensor]:
    """A copy of the active adapter's weights, by parameter name."""
    return {name: value.detach().clone() for name, value in model.named_parameters() if f".{ADAPTER}." in name}


@torch.no_grad()
def put_adapter_weights(model: Any, weights: Mapping[str, torch.Tensor]) -> None:
    """Copy weights from `adapter_weights` into the active adapter."""
    for name, value in model.named_parameters():
        if name in weights:
            value.copy_(weights[name])


def round_adapter(model: Any, dtype: str) -> None:
    """Round the active adapter's weights to the data type in which they are stored, so that both are the same model."""
    stored = getattr(torch, dtype)
    put_adapter_weights(model, {name: one.to(stored).to(one.dtype) for name, one in adapter_weights(model).items()})


@contextmanager
def preserve_adapter(model: Any) -> Iterator[None]:
    """Make the active adapter trainable inside the context, and restore its weights exactly afterwards."""
    before = adapter_weights(model)
    model.set_adapter(ADAPTER)  # also makes its weights trainable
    try:
        yield
    finally:
        put_adapter_weights(model, before)
