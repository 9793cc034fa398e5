"""Preflight checks of the machine or container: disk, memory, shared memory, GPU and its driver.

root: where /proc, /sys and /dev are.
"""

import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from client.preflight.check_result import CheckResult, fail, ok, warn
from client.preflight.memory_limit import memory_limit

GB = 1e9
MIN_DISK_GB, GOOD_DISK_GB = 1, 10
MIN_MEMORY_GB, GOOD_MEMORY_GB = 4, 16
MIN_SHARED_MB = 16
DRIVER_S = 20
ROOT = Path("/")
GIVE_GPU = "a container needs its GPU (see compose.yaml), a service the units of `hospital install`"


def check_disk(folder: Path) -> CheckResult:
    """Free space on the disk that audit log and node write to."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(nearest).free / GB
    found = f"{free:.1f} GB free"
    if free < MIN_DISK_GB:
        return fail("disk", found, f"free {MIN_DISK_GB} GB at least")
    return ok("disk", found) if free >= GOOD_DISK_GB else warn("disk", found, "free more before a long study")


def check_memory(root: Path = ROOT) -> CheckResult:
    """Available memory, by the kernel's estimate and the limit of the container or service."""
    try:
        lines = dict(line.split(":") for line in (root / "proc/meminfo").read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024 / GB
    except (OSError, KeyError, ValueError):
        return warn("memory", "not known on this system", f"make sure that {GOOD_MEMORY_GB} GB are free")
    limit, end = memory_limit(root), ""
    if limit is not None and limit.free / GB < free:
        free, end = limit.free / GB, f" of the container's or service's {limit.limit / GB:.1f} GB"
    raised = "; raise its limit (compose.yaml: mem_limit, a unit: MemoryMax)" if end else ""
    found = f"{free:.1f} GB available{end}"
    if free < MIN_MEMORY_GB:
        return fail("memory", found, f"training needs at least {MIN_MEMORY_GB} GB{raised}")
    if free < GOOD_MEMORY_GB:
        return warn("memory", found, f"the full-width networks need {GOOD_MEMORY_GB} GB{raised}")
    return ok("memory", found)


def check_shared_memory(root: Path = ROOT) -> CheckResult:
    """Whether /dev/shm, where Python keeps locks between processes, can be written and is not full."""
    folder, remedy = root / "dev/shm", "mount a tmpfs there; for a container: --shm-size=64m"
    if not folder.is_dir():
        return fail("shared memory", "there is no /dev/shm", remedy)
    if not os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        found = f"/dev/shm is closed to user {os.geteuid()}"
        return fail("shared memory", found, "as root: chmod 1777 /dev/shm")
    free = shutil.disk_usage(folder).free / 1e6
    found = f"{free:.0f} MB free in /dev/shm"
    return ok("shared memory", found) if free >= MIN_SHARED_MB else fail("shared memory", found, remedy)


def check_gpu(device: str, root: Path = ROOT) -> CheckResult:
    """Whether torch finds the device of hospital.toml; reports its name, memory and driver."""
    if device == "cpu":
        return ok("gpu", 'not needed (device = "cpu")')
    driver = driver_version()
    if find_spec("torch") is None or driver is None:
        return _check_gpu_files(root)
    import torch

    if not torch.cuda.is_available():
        remedy = (
            f'this torch is built for CUDA {torch.version.cuda}: update the driver, or set device = "cpu"'
        )
        if not (root / "dev/nvidia-uvm").exists():
            remedy = f"there is no /dev/nvidia-uvm: as root, nvidia-modprobe -u; {GIVE_GPU}"
        return fail("gpu", f"driver {driver}, and torch finds no GPU", remedy)
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        return fail(
            "gpu", f"there are {torch.cuda.device_count()} GPUs, no {device}", "set device to one of these"
        )
    memory = torch.cuda.get_device_properties(index).total_memory / GB
    return ok("gpu", f"{torch.cuda.get_device_name(index)}, {memory:.0f} GB, driver {driver}")


def _check_gpu_files(root: Path) -> CheckResult:
    """By the device files alone, where torch is not installed or no driver answers."""
    files = sorted(path.name for path in (root / "dev").glob("nvidia[0-9]*"))
    if not files:
        remedy = f'install the driver; {GIVE_GPU}; or set device = "cpu"'
        return fail("gpu", "no NVIDIA driver answers, and /dev has no nvidia0", remedy)
    if find_spec("torch") is None:
        found = f"/dev has {', '.join(files)}; without torch here it is not known whether that works"
        return warn("gpu", found, "run preflight where the trainer runs")
    remedy = 'see that nvidia-smi works as this user, update the driver, or set device = "cpu"'
    return fail("gpu", f"/dev has {', '.join(files)}, and no NVIDIA driver answers", remedy)


def driver_version() -> str | None:
    """The version of the NVIDIA driver, or None if it does not answer."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=DRIVER_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout.strip() else None
