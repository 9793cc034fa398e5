"""What a preflight says of a hospital's files and machine, one fault at a time; and the command itself."""

import json
import os
import socket
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from client.hospital_settings import HospitalSettings, load_hospital_settings
from client.preflight import files, machine
from client.trainer.approvals import Approvals
from deploy.commands.root import main
from deploy.coordinator.certificates import new_ca, new_key, node_key_files
from deploy.join import free_port
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.proposal import Proposal
from tests.support.fake_sites import BOTH, study_of, weights_of
from tests.support.stores import disk_store, scan_of


@pytest.fixture
def site(tmp_path) -> Path:
    path = tmp_path / "hospital.toml"
    path.write_text(f'name = "north"\n[coordinator]\naddress = "127.0.0.1:{free_port()}"\n')
    (tmp_path / "hospital.key").write_bytes(node_key_files(new_key())[0])
    (tmp_path / "hospital.key").chmod(0o600)
    (tmp_path / "ca.crt").write_bytes(new_ca("test", new_key()).public_bytes(Encoding.PEM))
    return path


@pytest.fixture
def hospital(site) -> HospitalSettings:
    return load_hospital_settings(site)


def ca_until(end: timedelta) -> bytes:
    key = new_key()
    made, now = new_ca("test", key), datetime.now(UTC)
    builder = x509.CertificateBuilder(
        made.issuer, made.subject, key.public_key(), made.serial_number, now - timedelta(days=400), now + end
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    ("content", "state", "words"),
    [
        (ca_until(timedelta(days=-1)), "fail", "not now"),
        (ca_until(timedelta(days=20)), "warn", "ends on"),
        (ca_until(timedelta(days=400)), "ok", "in force until"),
        (b"rubbish", "fail", "unreadable"),
        (None, "fail", "missing"),
    ],
)
def test_the_ca(tmp_path, content, state, words):
    path = tmp_path / "ca.crt"
    if content is not None:
        path.write_bytes(content)
    row = files.check_ca(path)
    assert row.state == state and words in row.found and bool(row.remedy) == (state != "ok")


def test_the_key(hospital):
    path = hospital.coordinator.key
    assert files.check_key(path).state == "ok"
    path.chmod(0o640)
    row = files.check_key(path)
    assert row.state == "warn" and f"chmod 600 {path}" in row.remedy
    other = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    assert (files.check_key(path).state, files.check_key(path).found) == ("fail", "hospital.key is no EC key")
    path.write_bytes(b"rubbish")
    assert files.check_key(path).state == "fail"
    path.unlink()
    assert files.check_key(path).state == "fail"


def test_the_store_and_the_studies_that_it_must_suit(hospital):
    (row,) = files.check_store(hospital)
    assert row.state == "fail" and "no store" in row.found
    store = LobeStore.create(hospital.store, PreprocessingSettings())
    assert [row.state for row in files.check_store(hospital)] == ["warn"]
    study, arrays = scan_of("a", "covid")
    store.add(study, arrays)
    (row,) = files.check_store(hospital)
    assert row.state == "ok" and row.found.startswith("1 scans") and store.fingerprint in row.found
    hospital.state.mkdir()
    proposal = Proposal.of(study_of(BOTH), weights_of(0))  # its preprocessing is "p1"
    Approvals(hospital.state).receive(proposal)
    assert [row.state for row in files.check_store(hospital)] == ["ok", "fail"]
    Approvals(hospital.state).decide(proposal, "withdrawn", at=time.time())
    assert [row.state for row in files.check_store(hospital)] == ["ok"]


def test_a_store_of_another_version(hospital):
    disk_store(hospital.store, [])
    record = json.loads((hospital.store / "store.json").read_text())
    (hospital.store / "store.json").write_text(json.dumps(record | {"format": 99}))
    (row,) = files.check_store(hospital)
    assert row.state == "fail" and "another version" in row.found


def test_write_rights(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    good, below = files.check_write_rights({"a": tmp_path / "new" / "x", "b": tmp_path / "file" / "y"})
    assert (good.state, below.state) == ("ok", "fail") and "right to write" in below.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_socket_that_nobody_listens_at(tmp_path):
    path = tmp_path / "s"
    assert files.check_socket(path).state == "ok"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    assert files.check_socket(path).state == "warn"


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


def run(capsys, *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return ended.value.code, capsys.readouterr().out


def test_the_command_ends_with_one_where_something_fails_and_changes_nothing(site, capsys):
    before = sorted(os.listdir(site.parent))
    code, out = run(capsys, "hospital", "preflight", "--site", site, "--json")
    document = json.loads(out)
    failed = {row["check"] for row in document["rows"] if row["state"] == "fail"}
    assert code == 1 and not document["ok"] and failed == {"store", "connection"}
    assert all(set(row) == {"check", "state", "found", "remedy"} for row in document["rows"])
    assert all(row["remedy"] for row in document["rows"] if row["state"] != "ok")
    assert sorted(os.listdir(site.parent)) == before
    code, out = run(capsys, "hospital", "preflight", "--site", site)
    assert code == 1 and len(out.splitlines()) == len(document["rows"])


def test_the_command_ends_with_zero_where_nothing_fails(site, capsys, monkeypatch):
    disk_store(load_hospital_settings(site).store, [scan_of("a", "covid")])
    monkeypatch.setattr("client.preflight.preflight.check_network", lambda *_: [])
    assert run(capsys, "hospital", "preflight", "--site", site)[0] == 0
