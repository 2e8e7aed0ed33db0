"""Several processes that train one adapter together, as torchrun starts them: each takes its part of every batch.

The gradients are summed over all of them, so their steps are those of one process with the whole batch. Alone, all of this
does nothing.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

PATIENCE = timedelta(days=7)  # the others wait as long as the first one waits for its turn


class OutOfMemoryOnAnyRank(torch.OutOfMemoryError):
    """All processes know of it, so all may take smaller parts."""


def size() -> int:
    """How many processes work together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    """Which one this is, from 0; the first one alone writes."""
    return dist.get_rank() if dist.is_initialized() else 0


@contextmanager
def joined() -> Iterator[None]:
    """Together with the others that torchrun started, if it did."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def own(chosen: Sequence[int]) -> Sequence[int]:
    """This process's part of a batch."""
    return chosen[rank() :: size()]


def summed(value: Tensor) -> Tensor:
    """The sum over all processes."""
    if size() > 1:
        dist.all_reduce(value)
    return value


@contextmanager
def fitting() -> Iterator[None]:
    """What is done inside fits into the memory of every process, or raises Unfit in all of them: one alone would
    leave the others waiting for its part of a sum."""
    fits = torch.ones(1)
    try:
        yield
    except torch.OutOfMemoryError:
        fits.zero_()
    if size() > 1:
        dist.all_reduce(fits, dist.ReduceOp.MIN)
    if not fits:
        raise OutOfMemoryOnAnyRank("What is to be computed does not fit into memory.")


def broadcast(values: Sequence[int]) -> list[int]:
    """What the first process says, as many whole numbers as each gives."""
    said = torch.tensor(list(values))
    if size() > 1:
        dist.broadcast(said, 0)
    return said.tolist()
