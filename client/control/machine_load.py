"""How busy the hospital's machine is: processor, memory, disk, GPU.

root: where /proc and /sys are.
"""

import os
import shutil
import subprocess
from pathlib import Path

from client.control.documents import Machine
from client.preflight.memory_limit import memory_limit

GPU_S = 10
ROOT = Path("/")
_QUERY = "name,utilization.gpu,memory.used,memory.total"


def machine_load(state: Path, gpu: str | None, root: Path = ROOT) -> Machine:
    """Of now. state: the folder whose disk fills; gpu: as `gpu_load` gave it."""
    disk, (free, total) = shutil.disk_usage(state), _memory(root)
    limit = memory_limit(root)
    if limit is not None and limit.limit < total:
        free, total = min(free, limit.free), limit.limit
    return Machine(
        load=round(os.getloadavg()[0], 2), cores=len(os.sched_getaffinity(0)), memory_free=free,
        memory_total=total, disk_free=disk.free, disk_total=disk.total, gpu=gpu,
    )  # fmt: skip


def gpu_load(device: str) -> str | None:
    """What the NVIDIA driver says of its GPUs, in words; None if `device` is none or it does not answer."""
    if device == "cpu":
        return None
    query = ["nvidia-smi", f"--query-gpu={_QUERY}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=GPU_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return gpus_in_words(done.stdout) if done.returncode == 0 else None


def gpus_in_words(csv: str) -> str | None:
    """Of the driver's lines of name, percent busy, MiB used, MiB in all."""
    rows = [[part.strip() for part in line.split(",")] for line in csv.splitlines() if line.count(",") == 3]
    found = [f"{name}: {busy} % busy, {used} of {total} MiB" for name, busy, used, total in rows]
    return "; ".join(found) or None


def _memory(root: Path) -> tuple[int, int]:
    """Bytes available and in all, by the kernel's estimate; zeros where it gives none."""
    try:
        lines = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        free, total = (int(lines[name].split()[0]) * 1024 for name in ("MemAvailable", "MemTotal"))
    except (OSError, KeyError, ValueError):
        return 0, 0
    return free, total
