"""Data-parallel training of one adapter in several processes started by torchrun.

Each process computes the gradients of its part of every batch, and gradients are summed over all processes, so a step
equals the step of one process with the whole batch. In a single process every function here does nothing. In this
module a rank is the number of a process; everywhere else `rank` is LoRA's.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

TIMEOUT = timedelta(days=7)  # the other processes wait while the first one waits for the run's lease


class OutOfMemoryOnAnyRank(torch.OutOfMemoryError):
    """Raised in all processes if one of them runs out of memory, so that all can retry with smaller micro-batches."""


def world_size() -> int:
    """Number of processes."""
    return dist.get_world_size() if dist.is_initialized() else 1


def process_number() -> int:
    """Number of this process, from 0; only process 0 writes files."""
    return dist.get_rank() if dist.is_initialized() else 0


@contextmanager
def process_group() -> Iterator[None]:
    """Join torchrun's process group inside the context; does nothing in a single process."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=TIMEOUT)
    try:
        yield
    finally:
        dist.destroy_process_group()


def local_part(chosen: Sequence[int]) -> Sequence[int]:
    """This process's part of a batch: every `size()`-th entry, from `rank()` on."""
    return chosen[process_number() :: world_size()]


def all_reduce_sum(value: Tensor) -> Tensor:
    """Sum a tensor over all processes, in place."""
    if world_size() > 1:
        dist.all_reduce(value)
    return value


@contextmanager
def raise_out_of_memory_everywhere() -> Iterator[None]:
    """Raise on every rank if any runs out of memory inside the context, so that collectives cannot deadlock.

    Raises:
        OutOfMemoryOnAnyRank: A process ran out of memory.
    """
    fits = torch.ones(1)
    try:
        yield
    except torch.OutOfMemoryError:
        fits.zero_()
    if world_size() > 1:
        dist.all_reduce(fits, dist.ReduceOp.MIN)
    if not fits:
        raise OutOfMemoryOnAnyRank("The step does not fit into memory: use smaller micro-batches.")


def is_same_everywhere(digest: str) -> bool:
    """Whether this process has the digest, in hex, that process 0 has."""
    own = list(bytes.fromhex(digest))
    return broadcast(own) == own


def broadcast(values: Sequence[int]) -> list[int]:
    """The whole numbers of process 0; every process passes as many."""
    result = torch.tensor(list(values))
    if world_size() > 1:
        dist.broadcast(result, 0)
    return [int(value) for value in result.tolist()]
