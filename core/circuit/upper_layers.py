"""Run only the upper layers of a model: what lies below the first changed module is as it was."""

from collections.abc import Iterator
from contextlib import contextmanager

from jaxtyping import Float
from torch import Tensor

from core.circuit.hooks import Visitor
from core.models.families import Anatomy


class StreamCache(Visitor):
    """Keeps the residual stream in front of each layer.

    Attributes:
        streams: One tensor for each layer.
    """

    def __init__(self) -> None:
        self.streams: list[Float[Tensor, "b p d"]] = []

    def attention_input(self, _layer: int, x: Tensor) -> Tensor:
        """Keep what the layer reads."""
        self.streams.append(x.detach())
        return x


@contextmanager
def from_layer(parts: Anatomy, first: int, kept: StreamCache | None) -> Iterator[None]:
    """Let layer `first` read the stream that was kept in front of it, and skip all layers before it.

    Args:
        parts: The model.
        first: The first layer that runs.
        kept: An earlier run on the same tokens; needed unless all layers run.
    """
    skipped = [layer.block for layer in parts.layers[:first]]
    before = [block.__dict__.get("forward") for block in skipped]  # over several GPUs, accelerate sets one of its own
    stream = kept.streams[first] if kept else None
    try:
        for block in skipped:
            block.forward = lambda *_args, **_options: stream
        yield
    finally:
        for block, own in zip(skipped, before, strict=True):
            del block.forward
            if own is not None:
                block.forward = own
