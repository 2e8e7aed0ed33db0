"""Stopwatch and memory meter of the benchmark."""

import time

import psutil
import torch

MIB = 2**20


class Meter:
    """Stopwatch that can pause, and the largest memory use at its pauses.

    Attributes:
        seconds: Time that was measured so far.
        peak_mib: MiB; peak of allocated memory on CUDA, else the largest resident memory at a pause.
    """

    def __init__(self, device: torch.device) -> None:
        """Start the stopwatch; work on `device` is awaited before its time is read."""
        self.cuda, self.seconds, self.peak_mib = device.type == "cuda", 0.0, 0.0
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(device)
        self.started = self._now()

    def pause(self) -> None:
        """Stop the time and read the memory use."""
        self.seconds += self._now() - self.started
        held = torch.cuda.max_memory_allocated() if self.cuda else psutil.Process().memory_info().rss
        self.peak_mib = max(self.peak_mib, held / MIB)

    def resume(self) -> None:
        """Continue after a pause."""
        self.started = self._now()

    def _now(self) -> float:
        if self.cuda:
            torch.cuda.synchronize()
        return time.perf_counter()
