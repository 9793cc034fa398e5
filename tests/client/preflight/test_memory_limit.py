"""Limits of control groups, from trees of files as the kernel shows them."""

from pathlib import Path

import pytest

from client.preflight.memory_limit import MemoryLimit, memory_limit

MB = 2**20
NO_LIMIT_V1 = 9223372036854771712


def tree(root: Path, groups: str, files: dict[str, dict[str, object]]) -> Path:
    """groups: /proc/self/cgroup; files: content by folder below /sys/fs/cgroup and name."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(groups)
    for folder, content in files.items():
        place = root / "sys/fs/cgroup" / folder
        place.mkdir(parents=True, exist_ok=True)
        for name, text in content.items():
            (place / name).write_text(f"{text}\n")
    return root


def v2(limit: object, current: int, inactive: int = 0) -> dict[str, object]:
    stat = f"anon {current - inactive}\nfile {inactive}\ninactive_file {inactive}"
    return {"memory.max": limit, "memory.current": current, "memory.stat": stat}


def v1(limit: int, usage: int, inactive: int = 0) -> dict[str, object]:
    stat = f"inactive_file 0\ntotal_inactive_file {inactive}"
    return {"memory.limit_in_bytes": limit, "memory.usage_in_bytes": usage, "memory.stat": stat}


TOP_V2: dict[str, object] = {"cgroup.controllers": "cpu memory"}

CASES = {
    "a container of version 2, whose group is the top that it sees": (
        "0::/\n",
        {"": TOP_V2 | v2(900 * MB, 300 * MB, 100 * MB)},
        MemoryLimit(900 * MB, 700 * MB),
    ),
    "a service of systemd in a slice with less left": (
        "0::/system.slice/pneumofed-trainer.service\n",
        {
            "": TOP_V2,
            "system.slice": v2(4000 * MB, 3900 * MB),
            "system.slice/pneumofed-trainer.service": v2(2000 * MB, 500 * MB),
        },
        MemoryLimit(4000 * MB, 100 * MB),
    ),
    "no limit in version 2": ("0::/a\n", {"": TOP_V2, "a": v2("max", 5 * MB)}, None),
    "more used than the limit allows": ("0::/\n", {"": TOP_V2 | v2(5 * MB, 6 * MB)}, MemoryLimit(5 * MB, 0)),
    "version 1": (
        "9:cpu:/x\n4:memory:/docker/abc\n0::/\n",
        {"memory": v1(NO_LIMIT_V1, 9 * MB), "memory/docker/abc": v1(800 * MB, 300 * MB, 50 * MB)},
        MemoryLimit(800 * MB, 550 * MB),
    ),
    "version 1 in a container, where the path is the host's": (
        "4:cpuset,memory:/docker/abc\n",
        {"memory": v1(800 * MB, 300 * MB)},
        MemoryLimit(800 * MB, 500 * MB),
    ),
    "no limit in version 1": ("4:memory:/\n", {"memory": v1(NO_LIMIT_V1, 9 * MB)}, None),
    "a path outside of the namespace": (
        "0::/../../other\n",
        {"": TOP_V2 | v2(7 * MB, 1 * MB)},
        MemoryLimit(7 * MB, 6 * MB),
    ),
    "both versions, memory in the first": (
        "4:memory:/a\n0::/a\n",
        {"memory/a": v1(3 * MB, 1 * MB), "unified": TOP_V2},
        MemoryLimit(3 * MB, 2 * MB),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_limit_with_the_least_left(tmp_path, name):
    groups, files, expected = CASES[name]
    assert memory_limit(tree(tmp_path, groups, files)) == expected


def test_a_system_without_control_groups(tmp_path):
    assert memory_limit(tmp_path) is None


def test_this_machines_own_files_can_be_read():
    found = memory_limit()
    assert found is None or 0 <= found.free <= found.limit
