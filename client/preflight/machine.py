"""Preflight checks of the machine: disk, memory, GPU and its driver."""

import shutil
import subprocess
from pathlib import Path

from client.preflight.check_result import CheckResult, fail, ok, warn

GB = 1e9
MIN_DISK_GB, GOOD_DISK_GB = 1, 10
MIN_MEMORY_GB, GOOD_MEMORY_GB = 4, 16
DRIVER_S = 20


def check_disk(folder: Path) -> CheckResult:
    """Free space on the disk that audit log and node write to."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(nearest).free / GB
    found = f"{free:.1f} GB free"
    if free < MIN_DISK_GB:
        return fail("disk", found, f"free {MIN_DISK_GB} GB at least")
    return ok("disk", found) if free >= GOOD_DISK_GB else warn("disk", found, "free more before a long study")


def check_memory(meminfo: Path = Path("/proc/meminfo")) -> CheckResult:
    """Available memory, by the kernel's estimate."""
    try:
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024 / GB
    except (OSError, KeyError, ValueError):
        return warn("memory", "not known on this system", f"make sure that {GOOD_MEMORY_GB} GB are free")
    found = f"{free:.1f} GB available"
    if free < MIN_MEMORY_GB:
        return fail("memory", found, f"training needs at least {MIN_MEMORY_GB} GB")
    if free < GOOD_MEMORY_GB:
        return warn("memory", found, f"the full-width networks need {GOOD_MEMORY_GB} GB")
    return ok("memory", found)


def check_gpu(device: str) -> CheckResult:
    """Whether torch finds the device of hospital.toml; reports its name, memory and driver."""
    if device == "cpu":
        return ok("gpu", 'not needed (device = "cpu")')
    import torch

    driver = driver_version()
    if driver is None:
        return fail("gpu", "no NVIDIA driver answers", 'install the driver, or set device = "cpu"')
    if not torch.cuda.is_available():
        remedy = (
            f'this torch is built for CUDA {torch.version.cuda}: update the driver, or set device = "cpu"'
        )
        return fail("gpu", f"driver {driver}, and torch finds no GPU", remedy)
    index = int(device.partition(":")[2] or 0)
    if index >= torch.cuda.device_count():
        return fail(
            "gpu", f"there are {torch.cuda.device_count()} GPUs, no {device}", "set device to one of these"
        )
    memory = torch.cuda.get_device_properties(index).total_memory / GB
    return ok("gpu", f"{torch.cuda.get_device_name(index)}, {memory:.0f} GB, driver {driver}")


def driver_version() -> str | None:
    """The version of the NVIDIA driver, or None if it does not answer."""
    query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=DRIVER_S)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.splitlines()[0].strip() if done.returncode == 0 and done.stdout.strip() else None
