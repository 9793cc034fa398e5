"""Time of a training step by operation, with and without what makes it faster.

`python -m benchmarks.step_profile [--json] [--width W]`

The step of benchmarks.network on the processor, after one to warm up, under torch's profiler, in
milliseconds: plain: whole crops in float32; skipped: black borders skipped and channels last; bfloat16: the
same in bfloat16.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.support.network_comparison import Comparison, phantom_store
from benchmarks.support.result import print_result
from client.learning.malloc_settings import keep_freed_memory

KINDS = {
    "convolution_backward": ("aten::convolution_backward",),
    "convolution": ("aten::mkldnn_convolution",),
    "max_pool": ("aten::max_pool2d_with_indices", "aten::max_pool2d_with_indices_backward"),
    "relu": ("aten::clamp_min", "aten::threshold_backward"),
    "copy": ("aten::copy_",),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--width", type=float, default=1.0, help="width factor of the network")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        comparison = Comparison(phantom_store(Path(name)), chosen.width, torch.device("cpu"), torch.bfloat16)
        steps = {
            "plain": lambda: comparison.step(comparison.plain["diseased"], torch.float32),
            "skipped": lambda: comparison.step(comparison.ours["diseased"], torch.float32),
            "bfloat16": lambda: comparison.step(comparison.ours["diseased"], torch.bfloat16),
        }
        figures = {
            f"{name}_{kind}_ms": spent
            for name, step in steps.items()
            for kind, spent in profile_of(step).items()
        }
    print_result(figures, {"width": chosen.width}, as_json=chosen.json)


def profile_of(step: Callable[[], object]) -> dict[str, float]:
    """Milliseconds of a step by KINDS of operation, `other` and `all`."""
    step()
    with profile(activities=[ProfilerActivity.CPU]) as profiled:
        step()
    spent = {event.key: event.self_cpu_time_total / 1000 for event in profiled.key_averages()}
    kinds = {kind: sum(spent.get(name, 0.0) for name in names) for kind, names in KINDS.items()}
    total = sum(spent.values())
    return kinds | {"other": total - sum(kinds.values()), "all": total}


if __name__ == "__main__":
    main()
