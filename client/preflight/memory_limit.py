"""The memory limit of the container or service that this process is in, by its control groups.

Versions 1 and 2, as the kernel documents them: admin-guide/cgroup-v1/memory and admin-guide/cgroup-v2.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

V1_UNLIMITED = 2**62
"""Version 1 has no word for "no limit": its largest number, rounded down to a page, stands for it."""


@dataclass(frozen=True)
class Names:
    """Files of a group's folder, and the line of memory.stat with file pages that the kernel gives back."""

    limit: str
    usage: str
    reclaimable: str


V1 = Names("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
V2 = Names("memory.max", "memory.current", "inactive_file")


@dataclass(frozen=True)
class MemoryLimit:
    """In bytes; free: what the group may still take."""

    limit: int
    free: int


def memory_limit(root: Path = Path("/")) -> MemoryLimit | None:
    """The limit with the least left, of this process's group and all above it; None if there is none.

    root: where /proc and /sys are.
    """
    found = [limit for folder, names in _groups(root) if (limit := _limit(folder, names)) is not None]
    return min(found, key=lambda limit: limit.free, default=None)


def _groups(root: Path) -> Iterator[tuple[Path, Names]]:
    """The folders of this process's groups. In a container the path may lie outside: then only the top."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mounted = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        group = PurePosixPath(path.lstrip("/"))
        relative = [] if ".." in group.parts else [group, *group.parents]
        if not controllers:
            top = mounted if (mounted / "cgroup.controllers").exists() else mounted / "unified"
            yield from ((top / one, V2) for one in dict.fromkeys([*relative, PurePosixPath()]))
        elif "memory" in controllers.split(","):
            top = mounted / "memory"
            yield from ((top / one, V1) for one in dict.fromkeys([*relative, PurePosixPath()]))


def _limit(folder: Path, names: Names) -> MemoryLimit | None:
    """None for a group without a limit, or without these files: version 2 has none at the top."""
    try:
        limit = int((folder / names.limit).read_text())
        used = int((folder / names.usage).read_text())
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        used -= int(stat[names.reclaimable])
    except (OSError, KeyError, ValueError):  # ValueError: "max"
        return None
    return None if limit >= V1_UNLIMITED else MemoryLimit(limit, max(limit - used, 0))
