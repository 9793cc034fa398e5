"""How busy the machine is: from the kernel's and the driver's own words."""

from pathlib import Path

import pytest

from client.control.machine_load import gpu_load, gpus_in_words, machine_load


def root_with(folder: Path, limit: str | None = None) -> Path:
    (folder / "proc/self").mkdir(parents=True)
    (folder / "proc/meminfo").write_text("MemTotal:  2000000 kB\nMemAvailable:  1500000 kB\n")
    (folder / "proc/self/cgroup").write_text("0::/\n")
    group = folder / "sys/fs/cgroup"
    group.mkdir(parents=True)
    (group / "cgroup.controllers").write_text("memory\n")
    if limit is not None:
        (group / "memory.max").write_text(limit)
        (group / "memory.current").write_text("300000000")
        (group / "memory.stat").write_text("inactive_file 100000000\n")
    return folder


def test_memory_is_the_kernels_estimate(tmp_path: Path) -> None:
    found = machine_load(tmp_path, None, root_with(tmp_path))
    assert (found.memory_free, found.memory_total) == (1_500_000 * 1024, 2_000_000 * 1024)
    assert 0 < found.disk_free <= found.disk_total and found.cores >= 1 and found.gpu is None


def test_a_containers_limit_counts_where_it_is_lower(tmp_path: Path) -> None:
    found = machine_load(tmp_path, "G", root_with(tmp_path, "1000000000"))
    assert (found.memory_free, found.memory_total, found.gpu) == (800_000_000, 1_000_000_000, "G")


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        ("NVIDIA H200, 40, 1000, 143771\n", "NVIDIA H200: 40 % busy, 1000 of 143771 MiB"),
        ("A, 1, 2, 3\nB, 4, 5, 6\n", "A: 1 % busy, 2 of 3 MiB; B: 4 % busy, 5 of 6 MiB"),
        ("", None),
        ("no devices\n", None),
    ],
)
def test_the_drivers_lines_in_words(csv: str, words: str | None) -> None:
    assert gpus_in_words(csv) == words


def test_without_a_gpu_the_driver_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("asked"))
    assert gpu_load("cpu") is None


def test_a_driver_that_is_not_there_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert gpu_load("cuda") is None
