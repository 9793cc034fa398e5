"""`pneumofed hospital join` with real processes, before any coordinator answers."""

import os
import re
import signal
import subprocess
import sys
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


DEAF = """
import importlib, sys, threading, time
from pathlib import Path
from deploy.join import run_node

def heartbeat():
    raise RuntimeError("/data/Doe^Jane")

def deaf():
    threading.Thread(target=heartbeat, daemon=True).start()
    time.sleep(60)

importlib.import_module("flwr.supernode.cli.flower_supernode").flower_supernode = deaf
run_node(Path(sys.argv[1]))
"""


def test_a_node_whose_heartbeat_has_died_ends_and_says_where_to_look(site):
    done = subprocess.run([sys.executable, "-c", DEAF, site], capture_output=True, text=True, timeout=50)
    assert done.returncode == 1
    assert "a thread of the node ended with RuntimeError" in done.stderr and "Doe" not in done.stderr
    assert "pneumofed hospital preflight" in done.stderr
