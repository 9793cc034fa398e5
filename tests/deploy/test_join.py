"""`pneumofed hospital join` with real processes, before any coordinator answers."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from client.hospital_settings import load_hospital_settings
from client.node.trainer_client import trainer_is_healthy
from client.records.audit import AuditLog
from deploy.coordinator.certificates import key_to_pem, new_ca, new_key, node_key_files
from tests.support.processes import pneumofed, running, wait_until


@pytest.fixture
def site(tmp_path) -> Path:
    path = tmp_path / "hospital.toml"
    path.write_text('name = "north"\n[coordinator]\naddress = "127.0.0.1:9"\n')
    (tmp_path / "hospital.key").write_bytes(node_key_files(new_key())[0])
    key = new_key()
    ca = new_ca("test", key).public_bytes(Encoding.PEM)
    for name, content in (("ca.crt", ca), ("client.crt", ca), ("client.key", key_to_pem(key))):
        (tmp_path / name).write_bytes(content)
    return path


def pids(log: Path, name: str) -> list[int]:
    return [int(pid) for pid in re.findall(rf"{name} started, process (\d+)", log.read_text())]


def test_join_keeps_node_and_trainer_running_and_leaves_nothing_behind(site, tmp_path):
    socket, log = load_hospital_settings(site).socket, tmp_path / "log"
    with running(pneumofed("hospital", "join", "--site", site), log) as joined:
        wait_until(lambda: trainer_is_healthy(socket, seconds=1), seconds=60, what="the trainer's health")
        for name in ("trainer", "node"):
            os.kill(pids(log, name)[0], signal.SIGKILL)
        wait_until(lambda: len(pids(log, "node")) == len(pids(log, "trainer")) == 2, seconds=30)
        wait_until(lambda: trainer_is_healthy(socket, seconds=1), seconds=60, what="the trainer's return")
    assert joined.returncode == 0, log.read_text()
    for pid in pids(log, "trainer") + pids(log, "node"):
        assert not Path(f"/proc/{pid}").exists()
    events = [entry.event for entry in AuditLog(load_hospital_settings(site).state).entries()]
    assert events == ["trainer started", "trainer started", "trainer stopped"]
    done = subprocess.run(pneumofed("hospital", "healthy", "--site", site), capture_output=True, text=True)
    assert done.returncode == 1 and "trainer-unreachable" in done.stderr


@pytest.mark.parametrize("command", ["join", "node"])
def test_a_kit_without_its_key_is_refused_before_anything_starts(site, command):
    (site.parent / "hospital.key").unlink()
    done = subprocess.run(pneumofed("hospital", command, "--site", site), capture_output=True, text=True)
    assert done.returncode == 1 and "error [kit-missing]: hospital.key not found" in done.stderr
    assert not (site.parent / "state").exists()


def test_a_node_whose_key_is_none_says_so(site):
    (site.parent / "hospital.key").write_text("-----BEGIN OPENSSH PRIVATE KEY-----")
    done = subprocess.run(pneumofed("hospital", "node", "--site", site), capture_output=True, text=True)
    assert done.returncode == 1 and "error [kit-unusable]: hospital.key cannot be read" in done.stderr


DEAF = """
import importlib, sys, threading, time
from pathlib import Path
from deploy.join import run_node

def heartbeat():
    raise RuntimeError("/data/Doe^Jane")

def deaf(*_):
    threading.Thread(target=heartbeat, daemon=True).start()
    time.sleep(60)

importlib.import_module("client.node.supernode").run_supernode = deaf
run_node(Path(sys.argv[1]))
"""


def test_a_node_whose_heartbeat_has_died_ends_and_says_where_to_look(site):
    done = subprocess.run([sys.executable, "-c", DEAF, site], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert "a thread of the node ended with RuntimeError" in done.stderr and "Doe" not in done.stderr
    assert "pneumofed hospital preflight" in done.stderr


MOST_MB = 900
SETTLED_S = 3.0


def family(process: int) -> dict[int, str]:
    """Command lines of a process and all that it started, by id."""
    parents: dict[int, int] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(file.parent.name)] = int(file.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it has ended
    found, added = {process}, True
    while added:
        below = {one for one, parent in parents.items() if parent in found} - found
        found, added = found | below, bool(below)
    return {one: Path(f"/proc/{one}/cmdline").read_text().replace("\0", " ") for one in sorted(found)}


def pss_mb(process: int) -> float:
    """Memory of a process, what it shares divided by the number of sharers, MB (10^6 bytes)."""
    (kilobytes,) = re.findall(r"^Pss:\s+(\d+) kB", Path(f"/proc/{process}/smaps_rollup").read_text(), re.M)
    return int(kilobytes) * 1024 / 1e6


def worker_is_ready(processes: dict[int, str]) -> bool:
    """The trainer's worker has loaded torch."""
    workers = [one for one, command in processes.items() if "spawn_main" in command]
    return any("libtorch" in Path(f"/proc/{one}/maps").read_text() for one in workers)


@pytest.mark.ci
def test_a_waiting_hospital_has_few_processes_and_little_memory(site, tmp_path):
    log = tmp_path / "log"
    with running(pneumofed("hospital", "join", "--site", site), log) as joined:
        socket = load_hospital_settings(site).socket
        wait_until(lambda: trainer_is_healthy(socket, seconds=1), seconds=60, what="the trainer's health")
        wait_until(lambda: worker_is_ready(family(joined.pid)), seconds=120, what="the worker")
        time.sleep(SETTLED_S)  # until torch is loaded whole; less would measure less
        memory = {command: pss_mb(one) for one, command in family(joined.pid).items()}
    parts = ["hospital join", "hospital node", "hospital trainer", "resource_tracker", "spawn_main"]
    assert [sum(part in command for command in memory) for part in parts] == len(parts) * [1]
    assert len(memory) == len(parts) and sum(memory.values()) < MOST_MB, memory
