"""The result of a benchmark: its figures, with the machine, commit and settings they belong to."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

UNKNOWN = "unknown"
Words = Annotated[str, StringConstraints(min_length=1)]
Commit = Annotated[str, StringConstraints(pattern=rf"^([0-9a-f]{{7,40}}\+?|{UNKNOWN})$")]


class Result(BaseModel):
    """What `--json` prints and benchmarks/results/ keeps.

    figures: by name, None where a figure is undefined. commit: "+" after it if files had been changed since.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    figures: Annotated[dict[Words, FiniteFloat | None], Field(min_length=1)]
    machine: Words
    commit: Commit
    settings: dict[str, Any]

    def to_json(self) -> str:
        """The object as indented JSON."""
        return json.dumps(self.model_dump(), indent=2, allow_nan=False)


def print_result(figures: Mapping[str, float | None], settings: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a result as one JSON object, or as a table for people."""
    result = Result(figures=dict(figures), machine=machine(), commit=commit(), settings=dict(settings))
    if as_json:
        print(result.to_json())
        return
    for name, value in result.figures.items():
        print(f"{name:32} " + ("undefined" if value is None else f"{value:8.3f}"))
    print(f"{result.machine}, commit {result.commit}")


def machine() -> str:
    """Processor, cores, vector instructions, GPU if there is one, and the version of torch, in words."""
    processor = platform.processor() or platform.machine()
    for line in _lines(Path("/proc/cpuinfo")):
        if line.startswith("model name"):
            processor = line.split(":", 1)[1].strip()
            break
    parts = [processor, f"{os.cpu_count()} cores", torch.backends.cpu.get_cpu_capability()]
    if torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name())
    return ", ".join([*parts, f"torch {torch.__version__}"])


def commit() -> str:
    """The commit measured; "+" after it if files had been changed since; UNKNOWN outside a checkout."""
    try:
        found = subprocess.run(
            ["git", "describe", "--always", "--exclude=*", "--dirty=+"],
            cwd=Path(__file__).parent, capture_output=True, text=True, check=True,
        )  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return UNKNOWN
    return found.stdout.strip()


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.is_file() else []
