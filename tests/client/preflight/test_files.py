"""What a preflight says of a hospital's files, one fault at a time."""

import json
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from client.preflight import files
from client.trainer.approvals import Approvals
from deploy.coordinator.certificates import key_to_pem, new_ca, new_key
from preprocessing.settings import PreprocessingSettings
from preprocessing.store.lobe_store import LobeStore
from shared_model.proposal import Proposal
from tests.support.fake_sites import BOTH, study_of, weights_of
from tests.support.stores import disk_store, scan_of


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
    files.check_store(hospital)  # as root, mostly: what it made there would be closed to the trainer
    assert not any(hospital.state.iterdir())
    proposal = Proposal.of(study_of(BOTH), weights_of(0))  # its preprocessing is "p1"
    Approvals(hospital.state, 10).receive(proposal)
    assert [row.state for row in files.check_store(hospital)] == ["ok", "fail"]
    Approvals(hospital.state, 10).decide(proposal, "withdrawn", at=time.time())
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


def test_the_certificate_needs_its_own_key_which_nobody_else_can_read(hospital):
    shown, ca = hospital.coordinator.certificate, hospital.coordinator.ca
    assert files.check_certificate(shown, ca).state == "ok"
    key = shown.with_suffix(".key")
    key.chmod(0o644)
    row = files.check_certificate(shown, ca)
    assert row.state == "warn" and "chmod 600" in row.remedy
    key.write_bytes(key_to_pem(new_key()))
    assert files.check_certificate(shown, ca).state == "fail"
    shown.unlink()
    row = files.check_certificate(shown, ca)
    assert row.state == "fail" and "client.crt" in row.found and "kit" in row.remedy


def test_keys_of_another_user_are_not_called_missing(hospital, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    monkeypatch.setattr(files, "client_context", refuse)
    key, shown = files.check_key(hospital.coordinator.key), hospital.coordinator.certificate
    for row in (key, files.check_certificate(shown, hospital.coordinator.ca)):
        assert row.state == "fail" and "cannot be read by user" in row.found and "chown" in row.remedy
