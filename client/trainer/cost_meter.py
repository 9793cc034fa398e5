"""Measures what a job takes: the time of a step and the peak memory of the worker process."""

import math
import resource
import sys
import time

from shared_model.progress import Progress
from shared_model.protocol import TrainingCost

LEAST_MB = 64


class CostMeter:
    """A Progress that is called after each step, passes that on, and measures the time between steps.

    The first step of a network is left out where there are others: it also loads and compiles.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress, self._last, self._done = progress, time.monotonic(), 0
        self._first: list[float] = []
        self._later: list[float] = []

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        (self._later if done == self._done + 1 and done > 1 else self._first).append(now - self._last)
        self._last, self._done = now, done
        self._progress(done, total)

    def cost(self) -> TrainingCost | None:
        """Until now; None without a step."""
        seconds = self._later or self._first
        if not seconds:
            return None
        step_ms = math.ceil(1000 * sum(seconds) / len(seconds))
        return TrainingCost(step_ms, coarse_mb(_peak_bytes()), coarse_mb(_peak_gpu_bytes()))


def coarse_mb(size: int) -> int:
    """`size` bytes in MB, rounded up to a power of two or one and a half of one; 0 for 0.

    Held features and decoded scans take memory by their number: a finer figure would tell it.
    """
    if size == 0:
        return 0
    megabytes = max(LEAST_MB, math.ceil(size / 2**20))
    power = 1 << (megabytes - 1).bit_length()
    return power * 3 // 4 if megabytes <= power * 3 // 4 else power


def _peak_bytes() -> int:
    """Peak resident memory of this process; Linux counts it in KiB, macOS in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _peak_gpu_bytes() -> int:
    """0 if this process uses none; torch is not loaded for it."""
    torch = sys.modules.get("torch")
    return torch.cuda.max_memory_reserved() if torch is not None and torch.cuda.is_initialized() else 0
