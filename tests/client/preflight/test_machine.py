"""Disk, memory and GPU against what a study needs."""

from pathlib import Path

import pytest

from client.preflight import machine


def write_meminfo(root: Path, gb: float) -> None:
    (root / "proc").mkdir(exist_ok=True)
    text = f"MemTotal:  99999999 kB\nMemAvailable:  {int(gb * 1e9 / 1024)} kB\n"
    (root / "proc" / "meminfo").write_text(text)


@pytest.mark.parametrize(("gb", "state"), [(0.5, "fail"), (5, "warn"), (50, "ok")])
def test_disk_and_memory(tmp_path, monkeypatch, gb, state):
    usage = machine.shutil.disk_usage(tmp_path)._replace(free=int(gb * 1e9))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    assert machine.check_disk(tmp_path / "not" / "there").state == state
    write_meminfo(tmp_path, gb)
    row = machine.check_memory(tmp_path)
    assert row.state == state and row.found == f"{gb:.1f} GB available"
    assert machine.check_memory(tmp_path / "none").state == "warn"


def test_a_gpu_that_is_asked_for_and_not_there(tmp_path, monkeypatch):
    assert machine.check_gpu("cpu").state == "ok"
    (tmp_path / "dev").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    row = machine.check_gpu("cuda", tmp_path)
    assert row.state == "fail" and "driver" in row.found
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 550.1\n")
    program.chmod(0o755)
    assert machine.driver_version() == "550.1"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    row = machine.check_gpu("cuda", tmp_path)
    assert row.found == "driver 550.1, and torch finds no GPU" and "nvidia-modprobe" in row.remedy
    (tmp_path / "dev" / "nvidia-uvm").touch()
    assert "update the driver" in machine.check_gpu("cuda", tmp_path).remedy
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert machine.check_gpu("cuda:1").found == "there are 1 GPUs, no cuda:1"


@pytest.mark.parametrize(("limit_gb", "state"), [(2, "fail"), (8, "warn"), (32, "ok"), (200, "ok")])
def test_the_memory_of_a_container_is_its_limits(tmp_path, limit_gb, state):
    write_meminfo(tmp_path, 100)
    (tmp_path / "proc" / "self").mkdir()
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/\n")
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    files = {"cgroup.controllers": "memory", "memory.max": int(limit_gb * 1e9), "memory.current": 10**9}
    for name, content in {**files, "memory.stat": "inactive_file 0"}.items():
        (group / name).write_text(str(content))
    row = machine.check_memory(tmp_path)
    assert row.state == state
    if limit_gb == 200:
        assert row.found == "100.0 GB available"
    else:
        words = "of the container's or service's"
        assert row.found == f"{limit_gb - 1:.1f} GB available {words} {limit_gb:.1f} GB"
        assert ("raise its limit" in row.remedy) == (state != "ok")


def test_shared_memory(tmp_path, monkeypatch):
    assert machine.check_shared_memory(tmp_path).found == "there is no /dev/shm"
    (tmp_path / "dev" / "shm").mkdir(parents=True)
    usage = machine.shutil.disk_usage(tmp_path)
    for free, state in ((64e6, "ok"), (1e6, "fail")):
        monkeypatch.setattr(machine.shutil, "disk_usage", lambda _, free=free: usage._replace(free=int(free)))
        row = machine.check_shared_memory(tmp_path)
        assert row.state == state and bool(row.remedy) == (state != "ok")
    monkeypatch.setattr(machine.os, "access", lambda *_, **__: False)
    assert "closed to user" in machine.check_shared_memory(tmp_path).found


def test_a_gpu_by_its_device_files_where_torch_or_the_driver_cannot_be_asked(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "dev").mkdir()
    row = machine.check_gpu("cuda", tmp_path)
    assert row.state == "fail" and "no nvidia0" in row.found and "container" in row.remedy
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / "dev" / name).touch()
    row = machine.check_gpu("cuda", tmp_path)
    assert row.state == "fail" and "nvidia0, nvidia1, and no NVIDIA driver" in row.found
    monkeypatch.setattr(machine, "find_spec", lambda _: None)
    row = machine.check_gpu("cuda", tmp_path)
    assert row.state == "warn" and "nvidia0, nvidia1;" in row.found and "where the trainer runs" in row.remedy
