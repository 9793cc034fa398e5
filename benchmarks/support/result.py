"""What every benchmark prints: its figures, with the machine, the commit and the settings they belong to."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def print_result(figures: Mapping[str, float], settings: Mapping[str, Any], *, as_json: bool) -> None:
    """One JSON object, or a table of the same."""
    if as_json:
        document = {
            "figures": dict(figures), "machine": machine(), "commit": commit(), "settings": dict(settings)
        }  # fmt: skip
        print(json.dumps(document, indent=2, allow_nan=False))
        return
    for name, value in figures.items():
        print(f"{name:32} {value:8.3f}")
    print(f"{machine()}, commit {commit()}")


def machine() -> str:
    """Processor, cores and library, in words."""
    names = [
        line.split(":", 1)[1].strip()
        for line in _lines(Path("/proc/cpuinfo"))
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor() or platform.machine()
    level = torch.backends.cpu.get_cpu_capability()
    return f"{processor}, {os.cpu_count()} cores, {level}, torch {torch.__version__}"


def commit() -> str:
    """The commit measured; "+" where files had been changed since."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--dirty=+"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return found.stdout.strip()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
