"""Estimate of the time that a request's missing references take, accurate to about a factor of two."""

from core.models.base_parts import load_config, load_tokenizer
from core.models.device import choose_device
from core.models.hub import resolve
from core.models.validation import check_folder
from core.pipeline.context import make_context
from core.runs.estimate.timing import measured
from core.runs.estimate.tokens import Lengths, training_tokens
from core.runs.references import missing_references
from core.workspace import Workspace


def estimate_references(workspace: Workspace, request_id: str, count: int, device: str) -> tuple[float, int]:
    """Estimate the training of missing references on this machine.

    Args:
        workspace: The workspace.
        request_id: The request.
        count: Number of references that the request is to have.
        device: "auto", "cpu" or "cuda".

    Returns:
        Seconds for all missing references, without waiting for the device, and how many are missing.

    Raises:
        RequestError: The request cannot be served.
        ModelError: The base model cannot be used.
        DeviceError: The device is not available.
    """
    request, settings = workspace.request(request_id), workspace.settings
    workspace.check(request)
    where, dtype = choose_device(device)
    folder = resolve(workspace.base, settings.base_revision)
    check_folder(folder)
    config = load_config(folder)
    context = make_context(workspace, request, load_tokenizer(folder))
    lengths, missing = Lengths(context), len(missing_references(workspace, request_id, count))
    length = round(lengths.padded("retain", settings.batch_size))
    token = measured(config, settings.rank, settings.batch_size, length, where, dtype)
    return missing * training_tokens(context, lengths) * token.step, missing
