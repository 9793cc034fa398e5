"""Disk, memory and GPU against what a study needs."""

import pytest

from client.preflight import machine


@pytest.mark.parametrize(("gb", "state"), [(0.5, "fail"), (5, "warn"), (50, "ok")])
def test_disk_and_memory(tmp_path, monkeypatch, gb, state):
    usage = machine.shutil.disk_usage(tmp_path)._replace(free=int(gb * 1e9))
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: usage)
    assert machine.check_disk(tmp_path / "not" / "there").state == state
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(f"MemTotal:  99999999 kB\nMemAvailable:  {int(gb * 1e9 / 1024)} kB\n")
    row = machine.check_memory(meminfo)
    assert row.state == state and row.found == f"{gb:.1f} GB available"
    assert machine.check_memory(tmp_path / "none").state == "warn"


def test_a_gpu_that_is_asked_for_and_not_there(tmp_path, monkeypatch):
    assert machine.check_gpu("cpu").state == "ok"
    monkeypatch.setenv("PATH", str(tmp_path))
    row = machine.check_gpu("cuda")
    assert row.state == "fail" and "driver" in row.found
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 550.1\n")
    program.chmod(0o755)
    assert machine.driver_version() == "550.1"
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert machine.check_gpu("cuda").found == "driver 550.1, and torch finds no GPU"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert machine.check_gpu("cuda:1").found == "there are 1 GPUs, no cuda:1"
